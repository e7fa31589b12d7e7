//! The user's own format: nginx's `log_format` or Apache's `LogFormat`, as it
//! stands in the server's configuration, compiled to fields and the text between them.
//!
//! Variables: <https://nginx.org/en/docs/varindex.html>; directives:
//! <https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats>.

use thiserror::Error;

use super::Unit;
use super::request_line::split_once;

/// A format string, compiled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// The format string, which is also the format's name.
    pub(super) source: String,
    /// The text before the first field.
    pub(super) start: String,
    /// Each field with the text after it, which only the last may lack.
    pub(super) fields: Vec<(Slot, String)>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// Nothing that a request has.
    Ignored,
    /// A time stamp, of Apache's or ISO 8601.
    Time,
    /// Seconds since the Unix epoch with three decimals.
    Epoch,
    Client,
    Host,
    Ident,
    User,
    Request,
    Method,
    Target,
    Protocol,
    Status,
    Bytes,
    Referrer,
    UserAgent,
    Duration(Unit),
}

/// Why a format string cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogFormatError {
    /// Nothing tells where the one field ends and the next begins.
    #[error("there is nothing between two fields after `{0}`: put a space or a quote there")]
    Adjacent(String),
    /// Every request has a time, a client and a status.
    #[error("there is no {0} in it: add {1} to the server's format")]
    Missing(&'static str, &'static str),
    /// An Apache directive that is incomplete or unknown.
    #[error("`%{0}` is no directive that is known here")]
    Directive(String),
}

impl Layout {
    /// Whether a format's name is a format string.
    pub(super) fn is_meant(name: &str) -> bool {
        name.contains('$') || name.contains('%')
    }

    /// Compiles a format string: one of nginx where it has a `$`, else one of Apache.
    pub(super) fn compile(source: &str) -> Result<Self, LogFormatError> {
        let mut layout = Self { source: source.into(), start: String::new(), fields: Vec::new() };
        if source.contains('$') {
            layout.read_nginx(source);
        } else {
            layout.read_apache(&source.replace("\\\"", "\""))?;
        }
        layout.check()?;
        Ok(layout)
    }

    fn read_nginx(&mut self, mut rest: &str) {
        while let Some((text, variable)) = split_once(rest, b'$') {
            self.text(text);
            let braced = variable.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (name, after) = braced.unwrap_or_else(|| {
                let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = variable.find(|c| !part_of_name(c)).unwrap_or(variable.len());
                variable.split_at_checked(end).unwrap_or((variable, ""))
            });
            self.field(nginx_variable(name));
            rest = after;
        }
        self.text(rest);
    }

    fn read_apache(&mut self, mut rest: &str) -> Result<(), LogFormatError> {
        while let Some((text, directive)) = split_once(rest, b'%') {
            self.text(text);
            let unknown = || LogFormatError::Directive(directive.chars().take(20).collect());
            rest = self.apache_directive(directive).ok_or_else(unknown)?;
        }
        self.text(rest);
        Ok(())
    }

    /// Takes in one directive, and says what follows it.
    fn apache_directive<'s>(&mut self, directive: &'s str) -> Option<&'s str> {
        let condition = |c: char| c.is_ascii_digit() || matches!(c, ',' | '!' | '<' | '>');
        let directive = directive.trim_start_matches(condition);
        let braced = directive.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (argument, rest) = braced.unwrap_or(("", directive));
        let letter = rest.chars().next()?;
        let after = rest.get(letter.len_utf8()..)?;
        match (letter, argument) {
            ('%', "") => self.text("%"),
            ('t', "") => {
                self.text("[");
                self.field(Slot::Time);
                self.text("]");
            }
            // Path and query are one target.
            ('q', "") if self.ends_with(Slot::Target) => {}
            _ => self.field(apache_field(letter, argument)?),
        }
        Some(after)
    }

    fn ends_with(&self, slot: Slot) -> bool {
        self.fields.last().is_some_and(|(last, text)| *last == slot && text.is_empty())
    }

    fn text(&mut self, text: &str) {
        match self.fields.last_mut() {
            Some((_, after)) => after.push_str(text),
            None => self.start.push_str(text),
        }
    }

    /// Adds a field. Of two that hold the same, the first counts.
    fn field(&mut self, slot: Slot) {
        let known = self.has(|held| std::mem::discriminant(&held) == std::mem::discriminant(&slot));
        self.fields.push((if known { Slot::Ignored } else { slot }, String::new()));
    }

    fn has(&self, slot: impl Fn(Slot) -> bool) -> bool {
        self.fields.iter().any(|(held, _)| slot(*held))
    }

    fn check(&self) -> Result<(), LogFormatError> {
        let mut before = self.start.as_str();
        for (place, (_, after)) in self.fields.iter().enumerate() {
            if after.is_empty() && place + 1 < self.fields.len() {
                return Err(LogFormatError::Adjacent(before.to_owned()));
            }
            before = after;
        }
        let needed: [(&[Slot], _, _); 3] = [
            (&[Slot::Time, Slot::Epoch], "time", "$time_local or %t"),
            (&[Slot::Client], "client", "$remote_addr or %h"),
            (&[Slot::Status], "status", "$status or %>s"),
        ];
        let lacking = needed.iter().find(|(any, ..)| !self.has(|held| any.contains(&held)));
        lacking.map_or(Ok(()), |(_, what, how)| Err(LogFormatError::Missing(what, how)))
    }
}

fn nginx_variable(name: &str) -> Slot {
    match name {
        "time_local" | "time_iso8601" => Slot::Time,
        "msec" => Slot::Epoch,
        "remote_addr" => Slot::Client,
        "host" | "http_host" | "server_name" => Slot::Host,
        "remote_user" => Slot::User,
        "request" => Slot::Request,
        "request_method" => Slot::Method,
        "request_uri" | "uri" => Slot::Target,
        "server_protocol" => Slot::Protocol,
        "status" => Slot::Status,
        "body_bytes_sent" | "bytes_sent" => Slot::Bytes,
        "http_referer" => Slot::Referrer,
        "http_user_agent" => Slot::UserAgent,
        "request_time" => Slot::Duration(Unit::Seconds),
        _ => Slot::Ignored,
    }
}

/// `None` where nobody knows what the directive writes.
fn apache_field(letter: char, argument: &str) -> Option<Slot> {
    let header = |name: &str| argument.eq_ignore_ascii_case(name);
    Some(match (letter, argument) {
        ('h' | 'a', "") => Slot::Client,
        ('v' | 'V', "") => Slot::Host,
        ('l', "") => Slot::Ident,
        ('u', "") => Slot::User,
        ('r', "") => Slot::Request,
        ('m', "") => Slot::Method,
        ('U', "") => Slot::Target,
        ('H', "") => Slot::Protocol,
        ('s', "") => Slot::Status,
        ('b' | 'B' | 'O', "") => Slot::Bytes,
        ('D', "") | ('T', "us") => Slot::Duration(Unit::Microseconds),
        ('T', "ms") => Slot::Duration(Unit::Milliseconds),
        ('T', "" | "s") => Slot::Duration(Unit::Seconds),
        ('i', _) if header("Referer") => Slot::Referrer,
        ('i', _) if header("User-Agent") => Slot::UserAgent,
        ('i', _) if header("Host") => Slot::Host,
        ('a' | 'A' | 'C' | 'e' | 'f' | 'I' | 'i' | 'k' | 'L' | 'n' | 'o' | 'p' | 'P', _)
        | ('q' | 'R' | 'S' | 'X', _) => Slot::Ignored,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: Result<&[(Slot, &str)], LogFormatError>) {
        let read = Layout::compile(source).map(|layout| layout.fields);
        let owned = |fields: &[(Slot, &str)]| -> Vec<_> {
            fields.iter().map(|(slot, text)| (*slot, (*text).to_owned())).collect()
        };
        assert_eq!(read, expected.map(owned), "{source}");
    }

    #[test]
    fn strings_become_fields() {
        check(
            r#"$remote_addr - ${remote_user}@$foo [$time_local] "$request" $status $status"#,
            Ok(&[
                (Slot::Client, " - "),
                (Slot::User, "@"),
                (Slot::Ignored, " ["),
                (Slot::Time, "] \""),
                (Slot::Request, "\" "),
                (Slot::Status, " "),
                (Slot::Ignored, ""),
            ]),
        );
        check(
            r#"%h %{X-Foo}i%% %t \"%m %U%q %H\" %!400,501>s %{ms}T"#,
            Ok(&[
                (Slot::Client, " "),
                (Slot::Ignored, "% ["),
                (Slot::Time, "] \""),
                (Slot::Method, " "),
                (Slot::Target, " "),
                (Slot::Protocol, "\" "),
                (Slot::Status, " "),
                (Slot::Duration(Unit::Milliseconds), ""),
            ]),
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let missing = |what, how| Err(LogFormatError::Missing(what, how));
        check("$remote_addr $status", missing("time", "$time_local or %t"));
        check("%t %>s", missing("client", "$remote_addr or %h"));
        check("%h %t", missing("status", "$status or %>s"));
        check("$msec $remote_addr$status", Err(LogFormatError::Adjacent(" ".to_owned())));
        check("%h %t %>s %y", Err(LogFormatError::Directive("y".to_owned())));
        check("%h %t %>s %{y", Err(LogFormatError::Directive("{y".to_owned())));
        check("%h %t %>s %", Err(LogFormatError::Directive(String::new())));
        check("%{%s}t %h %>s", Err(LogFormatError::Directive("{%s}t %h %>s".to_owned())));
    }
}
