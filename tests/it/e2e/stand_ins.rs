//! A document on its way to a model and to the one that stands in for it, with the real program: a
//! process of its own reads the PDF.

use crate::support::fake_model::{FakeModel, Reply};
use crate::support::fake_telegram::{FileKind, UserFile};
use crate::support::pictures::pdf;
use crate::support::program::{ALICE, Program};

#[tokio::test]
async fn a_document_reaches_each_as_it_wants_it() {
    let spare = FakeModel::start().await;
    let profile = format!(
        "retry_attempts = 1\nfallbacks = [\"spare\"]\n[llm.profiles.spare]\n\
         provider = \"openai_responses\"\nbase_url = \"{}\"\napi_key = \"{}\"\n\
         model = \"spare\"\npdf_as = \"text\"\n",
        spare.url(),
        spare.api_key()
    );
    let mut program = Program::new(&profile).await;
    program.provider.replies([Reply::status(500)]);
    spare.replies([Reply::text("It greets.")]);
    program.start();
    let paper = UserFile::new(FileKind::Document, "a.pdf", pdf("Hello World"));
    let paper = UserFile {
        caption: "sum it up".to_owned(),
        ..paper
    };
    program.telegram.user_sends_file(ALICE, ALICE, paper);
    program.telegram.wait_for_text(ALICE, "It greets.").await;
    let asked = program.provider.requests()[0].body.to_string();
    assert!(
        asked.contains("application/pdf") && !asked.contains("Hello World"),
        "{asked}"
    );
    let stood_in = spare.requests()[0].body.to_string();
    assert!(
        !stood_in.contains("application/pdf") && stood_in.contains("Hello World"),
        "{stood_in}"
    );
    program.kill().await;
}
