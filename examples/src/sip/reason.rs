//! SIP statuses in plain words.

use rsipstack::sip::Response;

/// Why a phone side refused, in plain words (RFC 3261 §21); `None` for a status without an entry.
#[must_use]
pub fn reason_of(status: u16) -> Option<&'static str> {
    Some(match status {
        300 | 301 | 302 | 305 => "the phone is reached elsewhere, and calls are not forwarded",
        400 => "the SIP server did not understand the call",
        401 | 407 => "the SIP server asks for a password",
        402 => "the call must be paid for",
        403 => "the SIP server does not allow this call",
        404 => "nobody is registered under that name",
        405 | 501 => "that name does not take calls",
        406 | 488 | 606 => "the phone shares no codec with this call",
        408 => "the phone did not answer the SIP server in time",
        410 => "that name is no longer in use",
        413 | 513 => "the call's description is too long for the SIP server",
        415 => "the phone does not understand the call's description",
        420 | 421 => "the phone wants an extension that is not supported",
        480 => "the phone is not available",
        481 => "the SIP server lost track of the call",
        482 | 483 => "the call went in circles between SIP servers",
        484 => "the number is incomplete",
        485 => "the name is ambiguous",
        486 | 600 => "the phone is busy",
        487 => "the call was cancelled",
        491 => "the phone was busy with another change of the call",
        493 => "the phone could not decrypt the call's description",
        500 => "the SIP server failed",
        502 | 504 => "the SIP server did not reach the next server",
        503 => "the SIP server takes no calls at the moment",
        603 => "the call was declined",
        604 => "nobody has that name anywhere",
        607 => "the call was declined as unwanted",
        _ => return None,
    })
}

/// The longest reason phrase that is passed on, in characters.
const LONGEST_PHRASE: usize = 120;

/// The reason for a refusal: ours, or else the phrase that came with the status.
pub(super) fn reason_for(response: &Response) -> String {
    let status = response.status_code.code();
    if let Some(reason) = reason_of(status) {
        return reason.to_owned();
    }
    let phrase = match &response.wire_reason {
        Some(phrase) => phrase.as_str(),
        None => response.status_code.text(),
    };
    let phrase: String = phrase
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_PHRASE)
        .collect();
    match phrase.trim() {
        "" => format!("the call was refused with SIP status {status}"),
        phrase => format!("the call was refused: {phrase}"),
    }
}

#[cfg(test)]
mod tests {
    use rsipstack::sip::StatusCode;

    use super::*;

    #[test]
    fn known_statuses_have_our_words_and_unknown_ones_their_own() {
        let refusal = |status, phrase: &str| {
            let status_code = StatusCode::try_from((status, phrase)).unwrap();
            reason_for(&Response {
                status_code,
                ..Response::default()
            })
        };
        assert_eq!(refusal(486, "Besetzt"), "the phone is busy");
        assert_eq!(
            refusal(499, "No Moon Today"),
            "the call was refused: No Moon Today"
        );
        assert_eq!(refusal(499, "a\tb"), "the call was refused: ab");
        assert_eq!(refusal(499, ""), "the call was refused with SIP status 499");
        assert!(refusal(499, &"x".repeat(4000)).len() < 200);
    }
}
