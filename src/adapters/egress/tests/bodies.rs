//! Bodies: compressed, too long, cut off, and lying about their length.

use async_compression::tokio::bufread::{
    BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::world::{Reply, Server, fetch, get, guard_for};
use crate::core::egress::{BodyEnding, FetchError, Fetched, Fetcher};

const CODINGS: [&str; 5] = ["gzip", "deflate", "raw", "br", "zstd"];

async fn drain(mut reader: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.unwrap();
    bytes
}

async fn compress(coding: &str, plain: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => drain(GzipEncoder::new(plain)).await,
        "deflate" => drain(ZlibEncoder::new(plain)).await,
        "raw" => drain(DeflateEncoder::new(plain)).await,
        "br" => {
            drain(BrotliEncoder::with_quality(
                plain,
                async_compression::Level::Fastest,
            ))
            .await
        }
        _ => drain(ZstdEncoder::new(plain)).await,
    }
}

fn header(coding: &str) -> String {
    let name = if coding == "raw" { "deflate" } else { coding };
    format!("content-encoding: {name}\r\n")
}

async fn answered(reply: Reply) -> Result<Fetched, FetchError> {
    let server = Server::start(move |_| reply.clone()).await;
    fetch(&guard_for(&server), server.url("/")).await
}

#[tokio::test]
async fn every_coding_is_undone() {
    let text = "A page of words. ".repeat(1000);
    for coding in CODINGS {
        let small = compress(coding, text.as_bytes()).await;
        let page = answered(Reply::with(&header(coding), &small))
            .await
            .unwrap();
        assert!(page.body == text.as_bytes(), "{coding}");
        assert_eq!(page.ending, BodyEnding::Whole, "{coding}");
        // In the middle of it the server breaks off.
        let half = &small[..small.len() / 2];
        let page = answered(Reply::with(&header(coding), half)).await;
        match page {
            Ok(page) => assert_eq!(page.ending, BodyEnding::BrokenOff, "{coding}"),
            Err(error) => assert_eq!(
                error,
                FetchError::Failed("the answer cannot be decompressed")
            ),
        }
        let empty = answered(Reply::with(&header(coding), "")).await.unwrap();
        assert!(empty.body.is_empty());
    }
    let page = answered(Reply::with("content-encoding: identity\r\n", "x")).await;
    assert_eq!(page.unwrap().body, b"x");
}

#[tokio::test]
async fn what_only_claims_to_be_compressed_is_told() {
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let error = answered(Reply::with(&header(coding), "plain text, no more")).await;
        let expected = FetchError::Failed("the answer cannot be decompressed");
        assert_eq!(error, Err(expected), "{coding}");
    }
    for coding in ["compress", "aes128gcm", "gzip;q=1"] {
        let error = answered(Reply::with(&header(coding), "x")).await;
        let expected =
            FetchError::Failed("the answer is compressed in a way that was not asked for");
        assert_eq!(error, Err(expected), "{coding}");
    }
}

#[tokio::test]
async fn bombs_do_not_go_off() {
    let zeros = vec![0; 5_000_000];
    for coding in CODINGS {
        let bomb = compress(coding, &zeros).await;
        assert!(bomb.len() < 10_000, "{coding}: {}", bomb.len());
        let server = Server::start({
            let reply = Reply::with(&header(coding), &bomb);
            move |_| reply.clone()
        })
        .await;
        let mut request = get(server.url("/"));
        request.limits.bytes = 100_000_000;
        let found = guard_for(&server).fetch(request).await;
        assert_eq!(found, Err(FetchError::Bomb), "{coding}");
    }
    let nested = compress("gzip", &compress("gzip", &zeros).await).await;
    for headers in [
        "content-encoding: gzip, gzip\r\n",
        "content-encoding: gzip\r\ncontent-encoding: gzip\r\n",
        "content-encoding: br,gzip\r\n",
    ] {
        let found = answered(Reply::with(headers, &nested)).await;
        assert_eq!(found, Err(FetchError::Bomb), "{headers}");
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_at_the_limit() {
    let server =
        Server::start(|_| Reply::Endless(b"HTTP/1.1 200 OK\r\n\r\n0123456789".repeat(9))).await;
    let mut request = get(server.url("/"));
    request.limits.bytes = 12_345;
    let page = guard_for(&server).fetch(request).await.unwrap();
    assert_eq!((page.body.len(), page.ending), (12_345, BodyEnding::Limit));
    let exact = Server::start(|_| Reply::text("12345")).await;
    for (limit, ending) in [
        (4, BodyEnding::Limit),
        (5, BodyEnding::Whole),
        (6, BodyEnding::Whole),
    ] {
        let mut request = get(exact.url("/"));
        request.limits.bytes = limit;
        let page = guard_for(&exact).fetch(request).await.unwrap();
        assert_eq!(page.ending, ending, "{limit}");
    }
}

#[tokio::test]
async fn lengths_that_lie_are_seen() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this";
    let page = answered(Reply::Bytes(short.to_vec())).await.unwrap();
    assert_eq!(
        (page.body.as_slice(), page.ending),
        (&b"only this"[..], BodyEnding::BrokenOff)
    );
    let long = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nonly this";
    let page = answered(Reply::Bytes(long.to_vec())).await.unwrap();
    assert_eq!(
        (page.body.as_slice(), page.ending),
        (&b"only"[..], BodyEnding::Whole)
    );
    let chunked =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nonly\r\nffffff\r\nthis";
    let page = answered(Reply::Bytes(chunked.to_vec())).await.unwrap();
    assert_eq!(
        (page.body.as_slice(), page.ending),
        (&b"onlythis"[..], BodyEnding::BrokenOff)
    );
    let until_closed = b"HTTP/1.1 200 OK\r\n\r\nall";
    let page = answered(Reply::Bytes(until_closed.to_vec())).await.unwrap();
    assert_eq!(
        (page.body.as_slice(), page.ending),
        (&b"all"[..], BodyEnding::Whole)
    );
}
