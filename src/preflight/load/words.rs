//! The words of a command, and the URL in one of them.

use super::Target;

/// What separates commands in the line of a shell.
pub(super) const SEPARATORS: [&str; 6] = ["|", ";", "&", "&&", "||", "|&"];

/// The words of a command, those of a shell's line among them: `sh -c 'ab -n 1 http://…/ | tee x'`.
pub(super) fn flattened(command: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    for word in command {
        if word.contains([' ', '\n', '|', ';']) { words.extend(shell_words(word)) } else { words.push(word.clone()) }
    }
    words
}

/// Words of a line as a shell parts them: blanks, quotes and separators. Nothing is expanded.
fn shell_words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '|' | ';' | '&') => {
                words.extend(word.take());
                let mut separator = String::from(c);
                separator.extend(chars.next_if(|next| matches!(next, '|' | '&')));
                words.push(separator);
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The host and the port of the first URL in a word, by its scheme where it names none: `http://h:8080/x`.
pub(super) fn url(word: &str) -> Option<Target> {
    const PORTS: [(&str, u16); 7] =
        [("https", 443), ("http", 80), ("rediss", 6379), ("redis", 6379), ("ws", 80), ("wss", 443), ("tcp", 0)];
    let (before, rest) = word.split_once("://")?;
    let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    let (_, port) = PORTS.into_iter().find(|(name, _)| *name == scheme)?;
    let authority = rest.split(['/', '?', '#', '\'', '"', ' ']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let (host, own) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, behind)) => (host, behind.strip_prefix(':')),
        None => authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let port = own.map_or(Some(port), |port| port.parse().ok()).filter(|port| *port > 0)?;
    (!host.is_empty()).then(|| Target::Tcp(host.to_owned(), port))
}
