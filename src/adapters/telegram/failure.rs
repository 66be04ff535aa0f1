//! What a failed Bot API call means for the outbox.

use std::time::Duration;

use super::client::{ApiError, Origin, Refusal};
use crate::core::channel::DeliveryError;
use crate::core::ids::ChatId;

/// A 429 that does not say how long to wait.
const UNTOLD_WAIT: Duration = Duration::from_secs(1);

/// The descriptions are the server's own texts; it has no codes for these cases.
const GONE: [&str; 3] = [
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
];
const TOPIC_GONE: [&str; 2] = ["message thread not found", "topic_deleted"];
const TOPIC_CLOSED: &str = "topic_closed";
const CLOSED: [&str; 3] = ["chat not found", "bot was kicked", "user is deactivated"];
const FORMATTING: [&str; 2] = ["can't parse entities", "entity_"];
const UNCHANGED: &str = "message is not modified";

/// What the outbox does next. A refusal of the token is no refusal of the row: it waits until the
/// token is mended.
pub(super) fn delivery_error(error: ApiError) -> DeliveryError {
    match error {
        ApiError::Unreachable(text) => DeliveryError::Unreachable(text),
        ApiError::NoAnswer(text) => DeliveryError::Ambiguous(text),
        ApiError::Refused(refusal) => refused(refusal),
    }
}

/// Whether an edit failed only because the message already says so.
pub(super) fn is_unchanged(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused(refusal) if refusal.code == 400 && refusal.says(&[UNCHANGED]))
}

fn refused(refusal: Refusal) -> DeliveryError {
    if let Some(chat) = refusal.migrate_to {
        return DeliveryError::Migrated(ChatId::new(chat.to_string()));
    }
    let text = refusal.to_string();
    match refusal.code {
        // A page of something in between says nothing about the chat or the message.
        code if refusal.origin == Origin::Elsewhere && !matches!(code, 413 | 429) => {
            DeliveryError::ServiceDown(text)
        }
        413 => DeliveryError::TooLarge(text),
        429 => DeliveryError::RateLimited {
            retry_after: refusal.retry_after.unwrap_or(UNTOLD_WAIT),
        },
        403 => DeliveryError::ChatClosed(text),
        400 if refusal.says(&GONE) => DeliveryError::MessageGone(text),
        400 if refusal.says(&TOPIC_GONE) => DeliveryError::TopicGone(text),
        400 if refusal.says(&[TOPIC_CLOSED]) => DeliveryError::TopicClosed(text),
        400 if refusal.says(&CLOSED) => DeliveryError::ChatClosed(text),
        400 if refusal.says(&FORMATTING) => DeliveryError::BadFormatting(text),
        300..=399 | 401 | 404 | 409 | 500.. => DeliveryError::ServiceDown(text),
        _ => DeliveryError::Refused(text),
    }
}

impl ApiError {
    /// How long a 429 wants us to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) if refusal.code == 429 => refusal.retry_after,
            _ => None,
        }
    }
}

impl Refusal {
    /// Whether no retry will help. A token of the wrong form is "not found"; a proxy's own 404 may pass.
    pub fn refuses_token(&self) -> bool {
        self.code == 401 || (self.code == 404 && self.origin == Origin::Api)
    }

    fn says(&self, parts: &[&str]) -> bool {
        let description = self.description.to_lowercase();
        parts.iter().any(|part| description.contains(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u16, description: &str) -> Refusal {
        let description = description.to_owned();
        Refusal {
            code,
            description,
            retry_after: None,
            migrate_to: None,
            origin: Origin::Api,
        }
    }

    fn kind(error: &DeliveryError) -> &'static str {
        match error {
            DeliveryError::Unreachable(_) => "unreachable",
            DeliveryError::Ambiguous(_) => "ambiguous",
            DeliveryError::Garbled(_) => "garbled",
            DeliveryError::RateLimited { .. } => "rate limited",
            DeliveryError::ServiceDown(_) => "down",
            DeliveryError::BadFormatting(_) => "formatting",
            DeliveryError::MessageGone(_) => "gone",
            DeliveryError::TopicGone(_) => "topic gone",
            DeliveryError::TopicClosed(_) => "topic closed",
            DeliveryError::ChatClosed(_) => "closed",
            DeliveryError::Migrated(_) => "migrated",
            DeliveryError::TooLarge(_) => "too large",
            DeliveryError::Refused(_) => "refused",
        }
    }

    #[test]
    fn each_answer_leads_to_one_next_step() {
        let cases = [
            (
                400,
                "Bad Request: can't parse entities: entity 3 is bad",
                "formatting",
            ),
            (400, "Bad Request: ENTITY_BOUNDS_INVALID", "formatting"),
            (400, "Bad Request: message to edit not found", "gone"),
            (400, "Bad Request: message can't be edited", "gone"),
            (400, "Bad Request: MESSAGE_ID_INVALID", "gone"),
            (400, "Bad Request: chat not found", "closed"),
            (403, "Forbidden: bot was blocked by the user", "closed"),
            (
                403,
                "Forbidden: bot was kicked from the supergroup chat",
                "closed",
            ),
            (400, "Bad Request: user is deactivated", "closed"),
            (400, "Bad Request: message is too long", "refused"),
            (400, "Bad Request: message thread not found", "topic gone"),
            (400, "Bad Request: TOPIC_DELETED", "topic gone"),
            (400, "Bad Request: TOPIC_CLOSED", "topic closed"),
            (413, "Request Entity Too Large", "too large"),
            (429, "Too Many Requests: retry after 5", "rate limited"),
            (401, "Unauthorized", "down"),
            (302, "Found", "down"),
            (500, "Internal Server Error", "down"),
            (502, "Bad Gateway", "down"),
        ];
        for (code, description, expected) in cases {
            let error = delivery_error(ApiError::Refused(refusal(code, description)));
            assert_eq!(kind(&error), expected, "{code} {description}");
        }
    }

    #[test]
    fn parameters_decide_before_the_text() {
        let moved = Refusal {
            migrate_to: Some(-100_123),
            ..refusal(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
            )
        };
        let expected = DeliveryError::Migrated(ChatId::new("-100123"));
        assert_eq!(delivery_error(ApiError::Refused(moved)), expected);

        let wait = Duration::from_secs(17);
        let limited = Refusal {
            retry_after: Some(wait),
            ..refusal(429, "Too Many Requests")
        };
        let expected = DeliveryError::RateLimited { retry_after: wait };
        assert_eq!(delivery_error(ApiError::Refused(limited)), expected);
    }

    #[test]
    fn an_unchanged_message_is_told_from_other_refusals() {
        let text = "Bad Request: message is not modified: the content is exactly the same";
        assert!(is_unchanged(&ApiError::Refused(refusal(400, text))));
        assert!(!is_unchanged(&ApiError::Refused(refusal(
            400,
            "Bad Request: chat not found"
        ))));
    }
}
