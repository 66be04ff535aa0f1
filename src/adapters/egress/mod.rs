//! The guard: the one way out for requests made for the model. It knows no rule of its own: where a
//! request may go, `core::egress` decides, and what it has decided is what is connected to.

mod body;
mod exchange;
mod fetch;
mod guard;
mod own;
mod proxy;
mod resolver;
mod tls;

pub use guard::Guard;
pub use proxy::ForwardProxy;
pub use resolver::SystemResolver;
pub use tls::Tls;

#[cfg(test)]
mod tests;
