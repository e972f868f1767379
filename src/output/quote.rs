//! One word for a shell or a unit, one scalar for YAML.

/// As a POSIX shell takes it for one word.
#[must_use]
pub fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// As a unit takes it for one word of a command line: systemd.service(5), "Command lines".
pub(super) fn unit(text: &str) -> String {
    let word = text.replace('%', "%%").replace('$', "$$");
    if shell(text) == text { word } else { double(&word) }
}

/// Between double quotes, as JSON, TOML and YAML take it; a bare `on` or `0777` would be no text.
pub(super) fn double(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(shell("net.core.somaxconn=1"), "net.core.somaxconn=1");
        assert_eq!(shell("a=1 2"), "'a=1 2'");
        assert_eq!(shell("it's"), "'it'\\''s'");
        assert_eq!(shell(""), "''");
        assert_eq!(unit("a=b"), "a=b");
        assert_eq!(unit("a=50%"), "a=50%%");
        assert_eq!(unit("echo 'a b' >$x%y\\"), "\"echo 'a b' >$$x%%y\\\\\"");
        assert_eq!(double("1 \"2\" \\ \t"), "\"1 \\\"2\\\" \\\\ \\u0009\"");
    }
}
