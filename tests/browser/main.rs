//! Owns the journeys of the seed in a real browser: Chromium, driven through chromedriver, at `portico demo` as people start it.
//! Never touches the inside of the gateway: what a person sees is all there is.
//!
//! Set `PORTICO_SCREENSHOTS` to a folder to keep pictures of the main pages: light and dark, desktop and phone.

#[cfg(test)]
mod accept;
#[cfg(test)]
mod chromium;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod visit;
