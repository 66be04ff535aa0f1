//! Models that take no pictures and no files: they are told of what they cannot see.

use image::ImageFormat;
use minibot::core::conversation::Enclosure;
use minibot::core::label::{Labels, Source};
use minibot::core::media::{Attached, InMemory, Part, Place};
use minibot::core::model::{ChatModel, ModelRequest};

use super::model_fixture::{RecordingSink, model, request, responses_model, settings_of};
use crate::support::fake_model::{Dialect, FakeModel, Options, Reply, Request};
use crate::support::pictures::{pdf, picture};

fn with_files() -> ModelRequest {
    let words = |text: &str| Enclosure {
        text: text.into(),
        labels: Labels::of(Source::Many),
    };
    let paper = |name: &str, text: Option<&str>, spare: Option<&str>| Part::Pdf {
        name: name.into(),
        content: InMemory::holding(pdf("Hello")),
        text: text.map(words),
        spare: spare.map(words),
    };
    let photo = Part::Picture {
        mime: "image/png",
        content: InMemory::holding(picture(4, 4, ImageFormat::Png)),
    };
    let parts = [
        photo,
        paper("read.pdf", Some("the text of it"), None),
        paper("kept.pdf", None, Some("the text of another")),
        paper("scan.pdf", None, None),
    ];
    let place = Place::Message;
    ModelRequest {
        attached: parts.map(|part| Attached { place, part }).into(),
        ..request("what is this?")
    }
}

/// All that the person's message says.
fn words(request: &Request) -> String {
    request.last_user_text()
}

#[tokio::test]
async fn a_model_that_takes_only_text_is_told_what_it_cannot_see() {
    let fake = FakeModel::start_with(Options {
        dialect: Dialect::TextOnly,
        ..Options::default()
    })
    .await;
    let settings = settings_of(&fake);
    let models: [Box<dyn ChatModel>; 2] = [
        Box::new(model(settings.clone())),
        Box::new(responses_model(settings)),
    ];
    for model in models {
        let before = fake.requests().len();
        fake.replies([Reply::text("I cannot see it."), Reply::text("Nor this.")]);
        let sink = RecordingSink::default();
        let reply = model.reply(&with_files(), &sink).await.unwrap();
        assert_eq!(reply.text, "I cannot see it.");
        let asked = fake.requests().split_off(before);
        assert_eq!(asked.len(), 3, "once for each kind, then in words");
        let said = words(&asked[2]);
        assert!(said.starts_with("what is this?"), "{said}");
        for part in [
            "this model takes no pictures",
            "the text of it",
            "the text of another",
            "\"scan.pdf\"",
        ] {
            assert!(said.contains(part), "{said}");
        }
        // It is known from then on.
        let reply = model.reply(&with_files(), &sink).await.unwrap();
        assert_eq!(reply.text, "Nor this.");
        let asked = fake.requests().split_off(before);
        assert_eq!((asked.len(), words(&asked[3])), (4, said));
    }
}

#[tokio::test]
async fn a_picture_that_is_itself_refused_is_not_taken_for_a_kind() {
    let fake = FakeModel::start().await;
    let no =
        r#"{"error":{"message":"You uploaded an unsupported image. Use PNG, JPEG, GIF or WebP."}}"#;
    fake.replies([Reply::custom(400, no), Reply::text("a dot")]);
    let model = model(settings_of(&fake));
    let sink = RecordingSink::default();
    let error = model.reply(&with_files(), &sink).await.unwrap_err();
    assert_eq!((error.tries, fake.requests().len()), (1, 1));
    model.reply(&with_files(), &sink).await.unwrap();
    let body = fake.requests()[1].body.to_string();
    assert!(body.contains("image_url") && body.contains("file_data"));
}
