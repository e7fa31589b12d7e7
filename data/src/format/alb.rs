//! Access logs of AWS's Application Load Balancer.
//!
//! ```text
//! type time elb client:port target:port t1 t2 t3 status target_status received sent "request" "user agent" …
//! ```
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html#access-log-entry-format>

use super::apache::{closed, number, present, seconds, word};
use super::request_line::{self, host_of_url, target_of_url};
use super::time::Clock;
use crate::request::{Malformed, Request, RequestLine};

/// What a line begins with.
const TYPES: [&str; 6] = ["http", "https", "h2", "grpcs", "ws", "wss"];

/// Parses one line. The target of the request line is a whole URL: its host is the
/// virtual host.
pub(super) fn parse<'a>(line: &'a str, clock: &mut Clock) -> Result<Request<'a>, Malformed> {
    let mut rest = line;
    let rest = &mut rest;
    if !TYPES.contains(&word(rest)?) {
        return Err(Malformed::Shape);
    }
    let (time, utc_offset) = clock.read_text(word(rest)?).ok_or(Malformed::Time)?;
    let (_load_balancer, client, _target) = (word(rest)?, word(rest)?, word(rest)?);
    let times = [word(rest)?, word(rest)?, word(rest)?];
    let (status, _target_status) = (status(word(rest)?)?, word(rest)?);
    let (_received, sent) = (word(rest)?, word(rest)?);
    let request = quoted(rest)?;
    let user_agent = quoted(rest)?;
    let (line, host) = without_host(request_line::read(request));
    Ok(Request {
        time,
        utc_offset,
        host,
        client: without_port(client).ok_or(Malformed::Shape)?,
        ident: None,
        user: None,
        line,
        status,
        bytes: present(sent).map(|sent| number(sent).ok_or(Malformed::Size)).transpose()?,
        referrer: None,
        user_agent: present(user_agent).filter(|agent| !agent.is_empty()),
        duration: duration(times)?,
    })
}

/// No response was sent where it is `-`.
fn status(text: &str) -> Result<u16, Malformed> {
    let Some(text) = present(text) else { return Ok(0) };
    let status = number(text).and_then(|status| u16::try_from(status).ok());
    status.filter(|status| *status <= 999).ok_or(Malformed::Status)
}

fn without_port(client: &str) -> Option<&str> {
    let (host, _) = client.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then_some(host)
}

/// The sum of what request, target and response took; nothing where one of them is -1.
fn duration(times: [&str; 3]) -> Result<Option<u64>, Malformed> {
    let mut sum = 0_u64;
    for time in times {
        if matches!(time, "-1" | "-") {
            return Ok(None);
        }
        sum = sum.saturating_add(seconds(time).ok_or(Malformed::Shape)?);
    }
    Ok(Some(sum).filter(|sum| i64::try_from(*sum).is_ok()))
}

/// The text between quotes, which is taken off with the space after it.
fn quoted<'a>(rest: &mut &'a str) -> Result<&'a str, Malformed> {
    let (field, after) = closed(rest, |_| true)?;
    *rest = after.strip_prefix(' ').unwrap_or(after);
    Ok(field)
}

fn without_host<'a>(line: RequestLine<'a>) -> (RequestLine<'a>, Option<&'a str>) {
    match line {
        RequestLine::Http { method, target, protocol } => {
            let line = RequestLine::Http { method, target: target_of_url(target), protocol };
            (line, host_of_url(target))
        }
        other => (other, None),
    }
}
