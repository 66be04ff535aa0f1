//! Reads a body as it comes, decompressed, within its limits.

use std::sync::atomic::Ordering;

use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use async_compression::zstd::DParameter;
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use super::exchange::Pieces;
use crate::core::egress::{BodyEnding, FetchError};

/// So much may come of anything, however small it was.
const FREE_BYTES: u64 = 256 * 1024;
/// Honest pages stay far below it; gzip could do a thousand.
const MAX_RATIO: u64 = 150;
/// 8 MiB, the most that HTTP asks of a reader (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// As the headers tell. Several layers are refused: nobody needs them but to hide how much comes out.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, FetchError> {
        let mut coding = Self::Plain;
        for value in headers.get_all(CONTENT_ENCODING) {
            let value = value.to_str().unwrap_or("?").to_ascii_lowercase();
            for name in value.split(',').map(str::trim) {
                let layer = match name {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    "br" => Self::Brotli,
                    "zstd" => Self::Zstd,
                    _ => {
                        return Err(FetchError::Failed(
                            "the answer is compressed in a way that was not asked for",
                        ));
                    }
                };
                if coding != Self::Plain {
                    return Err(FetchError::Bomb);
                }
                coding = layer;
            }
        }
        Ok(coding)
    }
}

/// Reads a body to its end or to `limit` bytes.
pub(super) async fn read(
    pieces: Pieces,
    coding: Coding,
    limit: u64,
) -> Result<(Vec<u8>, BodyEnding), FetchError> {
    let received = pieces.received();
    let mut wire = StreamReader::new(pieces);
    let first = match wire.fill_buf().await {
        Ok(bytes) => bytes.first().copied(),
        Err(_) => return Ok((Vec::new(), BodyEnding::BrokenOff)),
    };
    let Some(first) = first else {
        return Ok((Vec::new(), BodyEnding::Whole));
    };
    let mut plain: Box<dyn AsyncRead + Send + Unpin> = match coding {
        Coding::Plain => Box::new(wire),
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(wire);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
        // By the letter it is zlib; some servers never learnt that.
        Coding::Deflate if first & 0x0f == 8 => Box::new(ZlibDecoder::new(wire)),
        Coding::Deflate => Box::new(DeflateDecoder::new(wire)),
        Coding::Brotli => Box::new(BrotliDecoder::new(wire)),
        Coding::Zstd => Box::new(ZstdDecoder::with_params(
            wire,
            &[DParameter::window_log_max(ZSTD_WINDOW_LOG)],
        )),
    };
    let mut body = Vec::new();
    let mut piece = vec![0; 16 * 1024];
    loop {
        let count = match plain.read(&mut piece).await {
            Ok(0) => return Ok((body, BodyEnding::Whole)),
            Ok(count) => count,
            Err(_) if body.is_empty() && coding != Coding::Plain => {
                return Err(FetchError::Failed("the answer cannot be decompressed"));
            }
            Err(_) => return Ok((body, BodyEnding::BrokenOff)),
        };
        let length = body.len() as u64;
        let room = usize::try_from(limit.saturating_sub(length)).unwrap_or(usize::MAX);
        body.extend_from_slice(&piece[..count.min(room)]);
        let on_the_wire = received.load(Ordering::Relaxed);
        let fair = on_the_wire.saturating_mul(MAX_RATIO).max(FREE_BYTES);
        if coding != Coding::Plain && length + count as u64 > fair {
            return Err(FetchError::Bomb);
        }
        if count > room {
            return Ok((body, BodyEnding::Limit));
        }
    }
}
