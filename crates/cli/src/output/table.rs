//! Tables: columns as wide as their longest cell, and nothing behind the last one.

/// What stands in a cell that has nothing.
const NOTHING: &str = "n/a";

/// Lines of columns, four spaces apart. Cells are trimmed, and empty ones say so.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let shown = |row: &Vec<String>| row.iter().map(|cell| or_nothing(cell).to_owned()).collect();
    separated(&rows.iter().map(shown).collect::<Vec<_>>(), "    ")
}

/// Lines of columns with any separator, and empty cells left empty.
pub(crate) fn separated(rows: &[Vec<String>], separator: &str) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
    let lines: Vec<String> = rows.iter().map(|row| line(row, &widths, separator)).collect();
    lines.join("\n")
}

fn line(row: &[String], widths: &[usize], separator: &str) -> String {
    let mut text = String::new();
    for (column, (cell, full)) in row.iter().zip(widths).enumerate() {
        text.push_str(cell);
        if column + 1 < row.len() {
            text.push_str(&" ".repeat(full - width(cell)));
            text.push_str(separator);
        }
    }
    text.trim_end().to_owned()
}

fn or_nothing(cell: &str) -> &str {
    let trimmed = cell.trim();
    if trimmed.is_empty() { NOTHING } else { trimmed }
}

/// How many columns of the terminal a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count()
}

/// A table with a header, underlined by dashes as long as its words.
pub(crate) fn list(headings: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut all = vec![
        headings.iter().map(|heading| (*heading).to_owned()).collect(),
        headings.iter().map(|heading| "-".repeat(width(heading))).collect(),
    ];
    all.extend(rows);
    aligned(&all)
}

/// The table of keys and values that most answers come in.
pub(crate) fn key_value(rows: &[(String, String)]) -> String {
    list(
        &["Key", "Value"],
        rows.iter().map(|(key, value)| vec![key.clone(), value.clone()]).collect(),
    )
}

/// The same as it looked in 2016: a tab behind the padded key.
pub(crate) fn key_value_of_2016(rows: &[(String, String)]) -> String {
    let head = [("Key".to_owned(), "Value".to_owned()), ("---".to_owned(), "-----".to_owned())];
    let longest = head.iter().chain(rows).map(|(key, _)| width(key)).max().unwrap_or(0);
    let lines = head
        .iter()
        .chain(rows)
        .map(|(key, value)| format!("{key}{}\t{value}", " ".repeat(longest - width(key))));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&[&str]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[track_caller]
    fn check(cells: &[&[&str]], expected: &str) {
        assert_eq!(aligned(&rows(cells)), expected);
    }

    #[test]
    fn columns_are_as_wide_as_their_longest_cell() {
        check(&[], "");
        check(&[&["a", "b"]], "a    b");
        check(&[&["a", "b"], &["long", " c "]], "a       b\nlong    c");
        check(&[&["a", ""], &["", "b"]], "a      n/a\nn/a    b");
        check(&[&["ü", "b"], &["uu", "c"]], "ü     b\nuu    c");
        check(&[&["a"], &["b", "c"]], "a\nb    c");
    }

    #[test]
    fn both_generations_of_key_value_tables_keep_their_look() {
        let rows = [("token_accessor".to_owned(), "x".to_owned()), ("a".to_owned(), String::new())];
        assert_eq!(
            key_value(&rows),
            "Key               Value\n---               -----\n\
             token_accessor    x\na                 n/a"
        );
        assert_eq!(
            key_value_of_2016(&rows),
            "Key           \tValue\n---           \t-----\ntoken_accessor\tx\na             \t"
        );
    }

    #[test]
    fn a_list_underlines_its_headings() {
        assert_eq!(list(&["Keys"], rows(&[&["a"], &["b/"]])), "Keys\n----\na\nb/");
    }
}
