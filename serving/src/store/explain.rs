//! What an error of a store means for who reads it.

use object_store::Error;

/// What S3 says, by its code, and what to do about it.
const KNOWN: [(&str, &str); 8] = [
    ("NoSuchBucket", "the bucket is not there: make it, or name another one"),
    (
        "InvalidAccessKeyId",
        "the server does not know the access key: see AWS_ACCESS_KEY_ID or the profile",
    ),
    ("SignatureDoesNotMatch", "the secret key is wrong: see AWS_SECRET_ACCESS_KEY or the profile"),
    ("ExpiredToken", "the session's credentials have expired: get new ones"),
    (
        "RequestTimeTooSkewed",
        "this machine's clock and the server's are too far apart: set it (NTP)",
    ),
    ("AccessDenied", "the account may not do that: it needs to get, put, list and delete objects"),
    ("PermanentRedirect", "the bucket is in another region: set s3.region"),
    ("QuotaExceeded", "the server takes no more: make room, or raise the quota"),
];

/// The error in one line, with what to do where that is known.
pub fn explain(error: &Error) -> String {
    let text = whole(error);
    let code = between(&text, "<Code>", "</Code>");
    let advice = KNOWN.iter().find(|(known, _)| code == Some(known)).map(|(_, advice)| *advice);
    let said = match (code, between(&text, "<Message>", "</Message>")) {
        (Some(code), Some(message)) => {
            format!("{}: {code}: {}", request(&text), message.replace("&#39;", "'"))
        }
        (Some(code), None) => format!("{}: {code}", request(&text)),
        _ => text.replace('\n', " "),
    };
    let unreached = text.contains("Connect") || text.contains("error sending request");
    let advice = advice
        .or(unreached
            .then_some("the server can't be reached: does it run, and is the address right?"));
    advice.map_or_else(|| said.clone(), |advice| format!("{said} ({advice})"))
}

/// The error with what caused it: the innermost often says most.
fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

/// `PUT http://…` of the sentence around the answer, without its query.
fn request(text: &str) -> String {
    let asked = between(text, "Error performing ", " in ").unwrap_or(text);
    let asked = asked.rsplit("Error performing ").next().unwrap_or(asked);
    asked.split('?').next().unwrap_or(asked).to_owned()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_s3_becomes_a_line_with_advice() {
        let said = "Error performing list request: Error performing GET http://127.0.0.1:1/b?prefix=x in 8ms - \
             Server returned non-2xx status code: 403 Forbidden: <?xml?>\n<Error><Code>SignatureDoesNotMatch</Code>\
             <Message>The request signature does not match.</Message></Error>";
        let error = Error::Generic { store: "S3", source: said.into() };
        assert_eq!(
            explain(&error),
            "GET http://127.0.0.1:1/b: SignatureDoesNotMatch: The request signature does not match. (the secret key \
             is wrong: see AWS_SECRET_ACCESS_KEY or the profile)"
        );
    }

    #[test]
    fn others_stay_as_they_are() {
        let error = Error::Generic { store: "LocalFileSystem", source: "No space left".into() };
        assert_eq!(explain(&error), "Generic LocalFileSystem error: No space left");
    }
}
