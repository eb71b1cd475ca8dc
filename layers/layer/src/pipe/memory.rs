use super::Pipe;
use bytes::BytesMut;

/// Memory that a driver lends.
impl Pipe {
    /// Lends memory to an empty pipe that has none. It stays when the pipe is empty again, until
    /// [`take_back`](Self::take_back).
    ///
    /// So a driver writes many small units through one buffer of its own, and an idle connection
    /// holds none.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use wirestack_layer::Pipe;
    ///
    /// let mut pipe = Pipe::new();
    /// pipe.lend(BytesMut::with_capacity(4096));
    /// pipe.write(b"hello");
    /// pipe.consume(5);
    /// let memory = pipe.take_back().expect("the pipe is empty");
    /// assert_eq!((memory.capacity(), pipe.capacity()), (4096, 0));
    /// ```
    #[inline]
    pub fn lend(&mut self, memory: BytesMut) {
        if self.capacity() == 0 {
            self.buf = memory;
            self.buf.clear();
            self.lent = true;
        }
    }

    /// Takes lent memory back from an empty pipe; `None` if bytes are in it, or none was lent. It
    /// may be larger than what was lent.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use wirestack_layer::Pipe;
    ///
    /// let mut pipe = Pipe::new();
    /// pipe.lend(BytesMut::with_capacity(16 * 1024)); // one buffer for many idle connections
    /// assert!(pipe.take_back().is_some_and(|memory| memory.capacity() >= 16 * 1024));
    /// ```
    #[inline]
    pub fn take_back(&mut self) -> Option<BytesMut> {
        if !self.lent || !self.is_empty() {
            return None;
        }
        self.lent = false;
        Some(core::mem::take(&mut self.buf))
    }

    /// Drops the next `n` bytes like [`consume`](Self::consume). If those were the last ones, the
    /// pipe keeps the memory of the last chunk as if it was lent, unless others share it.
    ///
    /// A driver calls it for what it has written: memory that it lent, and that went from flow to
    /// flow, comes back to it.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use wirestack_layer::Pipe;
    ///
    /// let mut pipe = Pipe::new();
    /// pipe.push(Bytes::from(vec![0; 5000]));
    /// pipe.reclaim(5000);
    /// assert_eq!(pipe.take_back().map(|memory| memory.capacity()), Some(5000));
    /// ```
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[inline]
    pub fn reclaim(&mut self, n: usize) {
        if n == self.len() && self.queued > 0 {
            return self.reclaim_all();
        }
        self.consume(n);
    }

    fn reclaim_all(&mut self) {
        let last = self.chunks.pop_back().unwrap_or_default();
        self.queued -= last.len();
        self.leads &= !self.chunks.is_empty();
        self.consume(self.len());
        self.moved();
        self.rest();
        if let Ok(mut memory) = last.try_into_mut()
            && memory.capacity() > self.buf.capacity()
        {
            memory.clear();
            (self.buf, self.lent) = (memory, true);
        }
    }

    /// Moves the next `n` bytes like [`transfer_up_to`](Self::transfer_up_to), and lends the memory on
    /// if it goes with them. Who calls it takes the memory back from `to`, once that is empty, and
    /// lends it to this pipe again.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use wirestack_layer::Pipe;
    ///
    /// let (mut from, mut to) = (Pipe::new(), Pipe::new());
    /// from.lend(BytesMut::with_capacity(4096));
    /// from.write(b"hello");
    /// from.transfer_lent(&mut to, 5);
    /// to.consume(5);
    /// from.lend(to.take_back().expect("it is the memory of `from`"));
    /// assert_eq!((from.capacity(), to.capacity()), (4096, 0));
    /// ```
    ///
    /// # Panics
    ///
    /// If there are fewer bytes.
    pub fn transfer_lent(&mut self, to: &mut Self, n: usize) {
        let goes_along = self.lent && self.queued == 0 && n == self.len() && to.is_empty();
        self.transfer_up_to(to, n);
        to.lent |= goes_along && to.buf.len() == n;
    }
}
