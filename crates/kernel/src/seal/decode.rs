//! A share as people type it.

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};

use super::{SHARE_BYTES_MAX, SHARE_BYTES_MIN, SealError, Share};

/// The share that `text` stands for: hexadecimal if that gives as many bytes as a share can have,
/// otherwise standard base64.
///
/// # Errors
/// [`SealError::NotAShare`] when it is neither. Whether the length is right, [`Seal::submit`]
/// says.
///
/// [`Seal::submit`]: super::Seal::submit
pub fn decode_share(text: &str) -> Result<Share, SealError> {
    let hexadecimal = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map(Share::from);
    match hexadecimal {
        Ok(share) if (SHARE_BYTES_MIN..=SHARE_BYTES_MAX).contains(&share.as_bytes().len()) => {
            Ok(share)
        }
        _ => BASE64.decode(text.as_bytes()).map(Share::from).map_err(|_| SealError::NotAShare),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&[u8], SealError>) {
        let share = decode_share(text);
        assert_eq!(share.as_ref().map(Share::as_bytes), expected.as_ref().copied());
    }

    #[test]
    fn a_share_is_hexadecimal_or_base64() {
        check(&"0a".repeat(16), Ok(&[10; 16]));
        check(&"0A".repeat(33), Ok(&[10; 33]));
        check(&BASE64.encode(&[10; 33]), Ok(&[10; 33]));
        check(&BASE64.encode(&[255; 32]), Ok(&[255; 32]));
        check("ThisKeyIsNeitherB64NorHex", Err(SealError::NotAShare));
        check("not a share", Err(SealError::NotAShare));
        check("_-_-", Err(SealError::NotAShare));
        check("", Ok(&[]));
    }

    #[test]
    fn hexadecimal_that_no_share_can_be_is_read_as_base64() {
        check("abcdef01", Ok(&BASE64.decode(b"abcdef01").unwrap()));
        check(&"ab".repeat(34), Ok(&BASE64.decode("ab".repeat(34).as_bytes()).unwrap()));
        check(&"ab".repeat(15), Err(SealError::NotAShare)); // 30 digits are no whole base64.
    }
}
