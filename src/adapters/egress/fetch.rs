//! Requests for the model: redirect by redirect through the guard, all within one time limit.

use async_trait::async_trait;
use hyper::header::{HeaderMap, LOCATION};
use tokio::time::timeout;
use url::Url;

use super::body::{self, Coding};
use super::exchange::exchange;
use super::guard::Guard;
use crate::core::egress::{
    FetchError, FetchRequest, Fetched, Fetcher, Hop, Next, check_header, parse_url,
};

#[async_trait]
impl Fetcher for Guard {
    async fn admit(&self, url: &str) -> Result<Url, FetchError> {
        let destination = self.policy().check_written(url)?;
        let route = self.route(destination).await?;
        Ok(route.destination().url().clone())
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, FetchError> {
        let time = request.limits.time;
        timeout(time, follow(self, request))
            .await
            .unwrap_or(Err(FetchError::Timeout(time)))
    }
}

async fn follow(guard: &Guard, request: FetchRequest) -> Result<Fetched, FetchError> {
    let limits = request.limits;
    let refused = |(name, value): &(String, String)| check_header(name, value).is_err();
    if request.headers.iter().any(refused) {
        return Err(FetchError::Failed("a header of the request is refused"));
    }
    let mut hop = Hop {
        method: request.method,
        url: parse_url(&request.url)?,
        headers: request.headers,
        body: request.body,
    };
    for _ in 0..=limits.redirects {
        let answer = exchange(guard, &hop).await?;
        let location = answer.headers.get(LOCATION);
        let location = location.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
        hop = match hop.after(answer.status.as_u16(), location)? {
            Next::Follow(next) => next,
            Next::Done(last) => {
                let coding = Coding::of(&answer.headers)?;
                let (body, ending) = body::read(answer.body, coding, limits.bytes).await?;
                return Ok(Fetched {
                    status: answer.status.as_u16(),
                    url: last.url,
                    headers: texts(&answer.headers),
                    body,
                    ending,
                });
            }
        };
    }
    Err(FetchError::TooManyRedirects(limits.redirects))
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}
