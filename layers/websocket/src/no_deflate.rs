//! The types of compression where the feature `deflate` is off. None of them has a value, so the code
//! that takes them is the same with and without the feature, and costs nothing here.

use crate::WebSocketError;
use crate::extension::Extension;
use bytes::Bytes;
use std::convert::Infallible;

#[derive(Clone, Debug)]
pub(crate) struct Deflate(Infallible);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Compression(Infallible);

#[derive(Debug)]
pub(crate) struct Deflater(Infallible);

#[derive(Debug)]
pub(crate) struct Inflater(Infallible);

pub(crate) struct Step {
    pub(crate) read: usize,
    pub(crate) full: bool,
}

impl Compression {
    pub(crate) fn codec(&self, _: bool, _: &Deflate) -> (Deflater, Inflater) {
        match self.0 {}
    }
}

impl Deflater {
    pub(crate) fn begin(&mut self, _: usize, _: bool) {
        match self.0 {}
    }

    pub(crate) fn is_active(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn deflate(&mut self, _: &[u8], _: bool) -> Result<Bytes, WebSocketError> {
        match self.0 {}
    }
}

impl Inflater {
    pub(crate) fn inflate(
        &mut self,
        _: &[u8],
        _: bool,
        _: &mut Vec<u8>,
        _: usize,
    ) -> Result<Step, WebSocketError> {
        match self.0 {}
    }
}

pub(crate) fn offer(settings: &Deflate) -> String {
    match settings.0 {}
}

pub(crate) fn answer(_: &[Extension], settings: &Deflate) -> Option<(Compression, String)> {
    match settings.0 {}
}

pub(crate) fn check(_: &Extension, settings: &Deflate) -> Result<Compression, WebSocketError> {
    match settings.0 {}
}
