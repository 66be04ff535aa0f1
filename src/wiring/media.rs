//! What reads the attachments of messages, as configured.

use std::sync::Arc;

use anyhow::Context;

use super::settings::Settings;
use super::{Ports, model};
use crate::app::attachments::{AttachmentSettings, Attachments, Uploads};
use crate::app::channels::Channels;
use crate::app::spending::Spending;
use crate::core::media::{MediaLimits, MediaSwitch, Term, Transcriber};
use crate::llm::config::PdfAs;
use crate::llm::providers::SetupError;
use crate::llm::providers::transcription::{HttpTranscriber, TranscriptionSettings};
use crate::llm::tools::Inserting;

/// A token has about three bytes, by the estimate that the context goes by.
const BYTES_PER_TOKEN: usize = 3;

/// What reads attachments, over the channels that they come from.
pub fn attachments(
    settings: &Settings,
    ports: &Ports,
    channels: &Channels,
    spending: &Arc<Spending>,
) -> anyhow::Result<Attachments> {
    Ok(Attachments {
        channels: channels.clone(),
        reader: ports.reader.clone(),
        scratch: ports.scratch.clone(),
        transcriber: transcriber(settings, spending)?,
        uploads: uploads(settings, ports),
        clock: ports.clock.clone(),
        settings: AttachmentSettings {
            limits: limits(settings),
            pdf_text: wants_pdf_text(settings),
            // Half of the room: the rest is for what was said, and for tools.
            text_bytes: model::room(settings) / 2 * BYTES_PER_TOKEN,
        },
    })
}

/// Where files are kept that people send: for good, or for a day, so that tools can work on them.
fn uploads(settings: &Settings, ports: &Ports) -> Option<Uploads> {
    let config = &settings.tools.file_storage;
    let (folder, term) = if config.save_incoming_uploads {
        (&config.uploads_subdir, Term::ForGood)
    } else {
        (&config.incoming_temp_subdir, Term::ForADay)
    };
    config.enabled.then(|| Uploads {
        workspaces: ports.files.clone(),
        folder: folder.clone(),
        term,
    })
}

/// The tool that puts files before the model, where there are files.
pub(super) fn inserting(settings: &Settings, ports: &Ports) -> Option<Inserting> {
    let config = &settings.tools.file_storage;
    config.enabled.then(|| Inserting {
        workspaces: ports.files.clone(),
        reader: ports.reader.clone(),
        most_bytes: settings.channels.telegram.max_document_bytes.get(),
    })
}

fn transcriber(
    settings: &Settings,
    spending: &Arc<Spending>,
) -> anyhow::Result<Option<Arc<dyn Transcriber>>> {
    let listener = listener(settings).context("tools.audio_transcription")?;
    let name = &settings.tools.audio_transcription.model;
    Ok(listener.map(|listener| spending.metered_transcriber(Arc::new(listener), name)))
}

/// What listens to recordings, without anything around it; `None` where that is switched off. By
/// default it has the server and key of `[llm]`; another server never gets that key.
pub fn listener(settings: &Settings) -> Result<Option<HttpTranscriber>, SetupError> {
    let (config, llm) = (&settings.tools.audio_transcription, &settings.llm);
    if !config.enabled {
        return Ok(None);
    }
    let (base_url, api_key) = match &config.base_url {
        Some(base_url) => (base_url.clone(), config.api_key.clone()),
        None => (
            model::base_url(llm),
            config.api_key.clone().or_else(|| llm.api_key.clone()),
        ),
    };
    HttpTranscriber::new(TranscriptionSettings {
        base_url,
        api_key,
        model: config.model.clone(),
        request_timeout: llm.request_timeout_seconds.get(),
    })
    .map(Some)
}

fn limits(settings: &Settings) -> MediaLimits {
    let telegram = &settings.channels.telegram;
    let listening = &settings.tools.audio_transcription;
    MediaLimits {
        switch: if telegram.media_enabled {
            MediaSwitch::On
        } else {
            MediaSwitch::Off
        },
        photo_bytes: telegram.max_photo_bytes.get(),
        document_bytes: telegram.max_document_bytes.get(),
        total_bytes: telegram.max_total_media_bytes.get(),
        count: telegram.max_attachments_per_message.get(),
        document_types: telegram.allowed_document_mime_types.clone(),
        recording_seconds: listening
            .enabled
            .then(|| listening.max_duration_seconds.get().as_secs()),
    }
}

/// Whether one of the models that may be asked takes the text of PDFs instead.
fn wants_pdf_text(settings: &Settings) -> bool {
    model::used(settings).any(|model| model.pdf_as == PdfAs::Text)
}
