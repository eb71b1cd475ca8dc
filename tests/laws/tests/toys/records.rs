use super::Bug;
use std::time::Duration;
use wirestack_layer::Instant;
use wirestack_layer::{ByteSize, End, Error, Flow, Flows, Layer, Pipe, Progress, Queue};

/// The message that [`Records`] carry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record(pub(crate) Vec<u8>);

impl ByteSize for Record {
    fn byte_size(&self) -> usize {
        self.0.len()
    }
}

type P<'a> = Flows<'a, Queue<Record>, Queue<Record>>;

/// Records behind three bytes of length. Each side greets with one byte, and marks its end.
pub(crate) struct Records {
    bug: Bug,
    greeted: bool,
    state: State,
    hoard: Vec<u8>,
    wakes: Option<Instant>,
    last: Instant,
}

enum State {
    New,
    Opening(Instant),
    Open,
    Over { opened: bool },
}

impl Records {
    pub(crate) fn new(bug: Bug) -> Self {
        Self {
            bug,
            greeted: false,
            state: State::New,
            hoard: Vec::new(),
            wakes: None,
            last: Instant::ORIGIN,
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == bug
    }

    fn fail(&mut self, p: &mut P<'_>, error: Error) {
        if self.has(Bug::KeepsItsApplication) {
            p.to_wire.finish();
            p.to_app.abort(error);
            p.discard();
        } else if self.has(Bug::HidesItsPlace) {
            p.to_app.abort(error.clone());
            p.fail(error);
        } else {
            p.fail(error);
        }
        self.state = State::Over {
            opened: self.is_open(),
        };
    }

    fn open(&mut self, p: &mut P<'_>, now: Instant) -> bool {
        if !self.greeted && !p.to_wire.is_closed() {
            p.to_wire.write(&[self.greeting()]);
            self.greeted = true;
        }
        let until = match self.state {
            State::Opening(until) if !self.has(Bug::PostponesItsDeadline) => until,
            State::Open => return true,
            _ => now + TIMEOUT,
        };
        self.state = State::Opening(until);
        if self.has(Bug::OverlooksTheGreeting)
            && let Some(End::Aborted(error)) = p.from_wire.closed().cloned()
        {
            self.fail(p, error);
            return false;
        }
        if self.has(Bug::HoardsBeforeItIsOpen) {
            self.hoard(p);
        }
        if self.has(Bug::ReadsJunkForEver) {
            let unread = p.from_wire.unread();
            let greeting = unread.iter().position(|byte| *byte == GREETING);
            let junk = greeting.unwrap_or(unread.len());
            p.from_wire.consume(junk);
        }
        match p.from_wire.unread().first().copied() {
            Some(greeting) if greeting == self.greeting() => {
                p.from_wire.consume(1);
                self.state = State::Open;
                return true;
            }
            Some(other) => {
                assert!(!self.has(Bug::PanicsOnJunk), "what is {other}?");
                self.fail(p, Error::peer("records", format!("greeted with {other}")));
            }
            None => {
                if let Some(error) = self.cut(p.from_wire) {
                    self.fail(p, error);
                } else if until <= now && !self.has(Bug::LingersAtItsDeadline) {
                    self.fail(p, Error::peer("records", "not greeted"));
                } else if !self.has(Bug::IgnoresThatItsApplicationGivesUp) && p.propagate_abort() {
                    self.state = State::Over { opened: false };
                }
            }
        }
        false
    }

    fn greeting(&self) -> u8 {
        if self.has(Bug::GreetsOtherwise) {
            GREETING.to_ascii_lowercase()
        } else {
            GREETING
        }
    }

    fn cut(&self, from_wire: &Pipe) -> Option<Error> {
        match self.bug {
            Bug::HangsAtTheEnd => None,
            Bug::ForgetsTheReason => {
                let error = Error::peer("records", "something broke");
                from_wire.closed().map(|_| error)
            }
            Bug::BlamesItself => match from_wire.closed()? {
                End::Finished => Some(Error::local("records", "cut in the middle")),
                End::Aborted(error) => Some(error.clone()),
            },
            _ => from_wire.truncation("records", "cut in the middle"),
        }
    }

    fn write(&mut self, p: &mut P<'_>) {
        let free = self.has(Bug::OverfillsTheWire);
        if self.has(Bug::Hoards) && !p.to_wire.is_closed() {
            self.hoard(p);
        }
        if self.has(Bug::WritesInParts)
            && self.hoard.is_empty()
            && !p.to_wire.is_closed()
            && let Some(record) = p.from_app.pop()
        {
            self.hoard.extend(length(record.0.len()));
            self.hoard.extend(record.0);
        }
        if !self.hoard.is_empty() && !p.to_wire.is_closed() {
            let n = self.hoard.len().min(p.to_wire.room());
            p.to_wire.write(&self.hoard.drain(..n).collect::<Vec<u8>>());
            if !self.hoard.is_empty() {
                return;
            }
            if self.has(Bug::WritesInParts) && !p.from_app.is_empty() {
                return self.write(p);
            }
        }
        if self.has(Bug::AbortOvertakes)
            && let Some(End::Aborted(error)) = p.from_app.closed()
        {
            p.to_wire.abort(error.clone());
            p.from_app.discard();
        }
        while (free || p.to_wire.room() > 0)
            && !p.to_wire.is_closed()
            && self.fits(p)
            && let Some(record) = p.from_app.pop()
        {
            if self.has(Bug::FillsWhatIsFree) && p.to_wire.room() > 1000 {
                p.to_wire.write(&length(FILLER));
            }
            p.to_wire.write(&length(record.0.len()));
            p.to_wire.write(&record.0);
        }
        if p.to_wire.is_closed() {
            p.from_app.discard();
            if self.has(Bug::WritesAfterItsEnd) && p.to_app.is_closed() {
                p.to_wire.write(b"bye");
            }
        } else if p.to_wire.room() > 0
            && let Some(end) = p.from_app.end()
        {
            match end {
                End::Aborted(error) if !self.has(Bug::AbortLooksFinished) => {
                    p.to_wire.abort(error.clone());
                }
                _ => {
                    p.to_wire.write(&length(DONE));
                    p.to_wire.finish();
                }
            }
        }
    }

    fn hoard(&mut self, p: &mut P<'_>) {
        while let Some(record) = p.from_app.pop() {
            self.hoard.extend(length(record.0.len()));
            self.hoard.extend(record.0);
        }
    }

    fn fits(&self, p: &P<'_>) -> bool {
        let size = p.from_app.front().map_or(0, |record| 3 + record.0.len());
        !self.has(Bug::HoldsBackUntilItFits) || p.to_wire.is_empty() || p.to_wire.room() >= size
    }

    fn read(&mut self, p: &mut P<'_>) {
        let free = self.has(Bug::OverfillsTheApplication);
        if self.has(Bug::ErrorOvertakes)
            && let Some(End::Aborted(error)) = p.from_wire.closed().cloned()
        {
            return self.fail(p, error);
        }
        if self.has(Bug::WaitsForADeafApplication) && p.to_app.stopped().is_some() {
            return;
        }
        while (free || p.to_app.room() > 0) && !p.to_app.is_closed() {
            let unread = p.from_wire.unread();
            let need = match unread.first_chunk() {
                None => 3,
                Some([a, b, c]) => match u32::from_be_bytes([0, *a, *b, *c]) as usize {
                    DONE => {
                        p.to_app.finish();
                        break;
                    }
                    FILLER => {
                        p.from_wire.consume(3);
                        continue;
                    }
                    size if size > MAX && !self.has(Bug::BelievesLengths) => {
                        let error = format!("a record of {size} bytes, more than {MAX}");
                        return self.fail(p, Error::peer("records", error));
                    }
                    size => 3 + size,
                },
            };
            let there = unread.len();
            if there < need {
                if self.has(Bug::LosesPartialLength) && there < 3 {
                    p.from_wire.discard();
                }
                if self.has(Bug::CutLooksFinished) && p.from_wire.is_closed() {
                    p.from_wire.discard();
                    p.to_app.finish();
                } else if let Some(error) = self.cut(p.from_wire) {
                    return self.fail(p, error);
                } else if !(self.has(Bug::AsksForNothing)
                    || self.has(Bug::AsksForTheLengthOnly) && need > 3)
                {
                    p.from_wire.require(need);
                }
                return;
            }
            let record = p.from_wire.take(need).slice(3..);
            p.to_app.push(Record(record.to_vec()));
        }
        if p.to_app.is_closed() && !self.has(Bug::KeepsItsInputs) {
            p.from_wire.discard();
        }
    }
}

fn length(n: usize) -> [u8; 3] {
    let [_, a, b, c] = (n as u32).to_be_bytes();
    [a, b, c]
}

impl Layer for Records {
    type In = Queue<Record>;
    type Out = Queue<Record>;
    fn name(&self) -> &'static str {
        "records"
    }

    fn process(&mut self, mut p: P<'_>, now: Instant) {
        self.last = now;
        self.wakes = self.wakes.filter(|wakes| *wakes > now);
        if let State::Over { .. } = self.state {
            return p.discard();
        }
        if !self.has(Bug::WritesInVain) {
            p.propagate_stop();
        }
        if self.has(Bug::GoesDeaf) && p.to_wire.stopped().is_some() {
            p.from_wire.discard();
        }
        if self.open(&mut p, now) {
            if self.has(Bug::WritesOnEveryCall) && p.to_wire.room() > 0 && !p.to_wire.is_closed() {
                p.to_wire.write(&length(0));
            }
            self.write(&mut p);
            self.read(&mut p);
        }
    }

    fn process_untimed(&mut self, mut p: P<'_>) -> bool {
        if self.has(Bug::OverlooksTheClock) && matches!(self.state, State::Open) {
            p.propagate_stop();
            self.write(&mut p);
            self.read(&mut p);
            self.wakes = Some(self.last + TIMEOUT);
            return true;
        }
        self.has(Bug::ClaimsToHaveRun)
    }

    fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Opening(until) => (!self.has(Bug::NamesNoDeadline)).then_some(until),
            _ => self.wakes,
        }
    }

    fn is_open(&self) -> bool {
        match self.bug {
            Bug::NeverSaysThatItIsOpen => false,
            Bug::SaysAtOnceThatItIsOpen => true,
            _ => matches!(self.state, State::Open | State::Over { opened: true }),
        }
    }

    fn is_flushed(&self) -> bool {
        match self.bug {
            Bug::NeverFlushed => false,
            Bug::WritesInParts => true,
            _ => self.hoard.is_empty(),
        }
    }

    fn progress(&self) -> Progress {
        match self.bug {
            Bug::SaysAtOnceThatItIsOpen | Bug::SaysOpenWhileItOpens => return Progress::Open,
            Bug::NeverSaysThatItIsOpen | Bug::SaysOpeningForEver => {
                return Progress::Opening("the greeting");
            }
            _ => {}
        }
        match self.state {
            State::New | State::Opening(_) => Progress::Opening("the greeting"),
            State::Open => Progress::Open,
            State::Over { .. } => Progress::Over,
        }
    }
}

const GREETING: u8 = b'R';

/// The length that stands for the end.
const DONE: usize = 0xff_ffff;

/// The length that stands for nothing and is skipped.
const FILLER: usize = 0xff_fffe;

/// The largest record, in bytes.
const MAX: usize = 4 << 20;

/// The time within which the greeting has to arrive.
const TIMEOUT: Duration = Duration::from_secs(5);
