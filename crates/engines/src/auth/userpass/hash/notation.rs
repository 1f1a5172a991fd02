//! How hashes are written down: fields between dollar signs, numbers after labels, base 64 in the
//! alphabets that the algorithms' makers chose.

use data_encoding::{BASE64_NOPAD, BitOrder, Encoding, Specification};

/// Salts are at least a byte and at most this long.
const SALT_BYTES_MAX: usize = 64;
/// A shorter tag is too easily hit by chance.
const TAG_BYTES_MIN: usize = 16;
const TAG_BYTES_MAX: usize = 64;

/// The letters of `crypt(3)`.
const CRYPT: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The letters of bcrypt.
const BCRYPT: &str = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A salt of acceptable length.
pub(super) fn salt(bytes: Vec<u8>) -> Option<Vec<u8>> {
    (1..=SALT_BYTES_MAX).contains(&bytes.len()).then_some(bytes)
}

/// A tag of acceptable length.
pub(super) fn tag(bytes: Vec<u8>) -> Option<Vec<u8>> {
    (TAG_BYTES_MIN..=TAG_BYTES_MAX).contains(&bytes.len()).then_some(bytes)
}

/// A number in its only form: without sign, without leading zeros.
pub(super) fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    if plain && shortest { text.parse().ok() } else { None }
}

/// The number after a label, such as `m=` or `t`.
pub(super) fn labelled(text: &str, label: &str) -> Option<u32> {
    number(text.strip_prefix(label)?)
}

/// The numbers of a list such as `m=19456,t=2,p=1`: all of these labels, in this order.
pub(super) fn numbers<const COUNT: usize>(
    text: &str,
    labels: [&str; COUNT],
) -> Option<[u32; COUNT]> {
    let mut parts = text.split(',');
    let mut numbers = [0; COUNT];
    for (number, label) in numbers.iter_mut().zip(labels) {
        *number = labelled(parts.next()?, label)?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Base 64 as PHC strings have it: the standard alphabet, not padded.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64_NOPAD.decode(text.as_bytes()).ok()
}

/// Base 64 as passlib has it: a full stop in place of the plus.
pub(super) fn passlib_base64(text: &str) -> Option<Vec<u8>> {
    if text.contains('+') { None } else { base64(&text.replace('.', "+")) }
}

/// Base 64 as bcrypt has it. Some implementations leave something in the bits that count nothing.
pub(super) fn bcrypt_base64(text: &str) -> Option<Vec<u8>> {
    let mut specification = Specification::new();
    specification.symbols.push_str(BCRYPT);
    specification.check_trailing_bits = false;
    decode(&specification, text)
}

/// Base 64 as `crypt(3)` has it: the lowest bits come first.
pub(super) fn crypt_base64(text: &str) -> Option<Vec<u8>> {
    let mut specification = Specification::new();
    specification.symbols.push_str(CRYPT);
    specification.bit_order = BitOrder::LeastSignificantFirst;
    decode(&specification, text)
}

/// A number written in letters of `crypt(3)`, the lowest six bits first.
pub(super) fn crypt_number(text: &str) -> Option<u32> {
    text.chars().rev().try_fold(0_u32, |number, letter| {
        let digit = u32::try_from(CRYPT.find(letter)?).ok()?;
        number.checked_mul(64)?.checked_add(digit)
    })
}

fn decode(specification: &Specification, text: &str) -> Option<Vec<u8>> {
    let encoding: Encoding = specification.encoding().ok()?;
    encoding.decode(text.as_bytes()).ok()
}
