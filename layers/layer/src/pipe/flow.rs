use super::Pipe;
use crate::{End, Flow, Stop};
use alloc::boxed::Box;

impl Flow for Pipe {
    fn close(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(Box::new(end));
            self.moves += 1;
        }
    }

    #[inline]
    fn closed(&self) -> Option<&End> {
        self.end.as_deref()
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    #[inline]
    fn room(&self) -> usize {
        self.limit.max(self.required).saturating_sub(self.len())
    }

    fn discard(&mut self) {
        self.consume(self.len());
    }

    fn stop(&mut self, stop: Stop) {
        self.moves += u64::from(stop.put(&mut self.stop));
    }

    #[inline]
    fn stop_state(&self) -> Option<&Stop> {
        self.stop.as_deref()
    }

    #[inline]
    fn revision(&self) -> u64 {
        self.moves
    }
}
