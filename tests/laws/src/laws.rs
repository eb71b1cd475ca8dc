use crate::link::{Cutting, Fault, LINK, Rng, reset};
use crate::pressure::{deaf_applications, full_wires, large_units_in_pieces};
use crate::side::{Ended, Role};
use crate::world::{Outcome, SIZES, Setting, Talk, World, difference};
use crate::{Law, Subject, Traffic};
use std::time::Duration;
use wirestack_layer::Flow;

/// Checks every law but [`nesting`], which compares subjects.
///
/// # Panics
///
/// If a law is broken; the message names the law, the subject, what was seen, and when.
pub fn check<F: Traffic>(subject: &Subject<F>) {
    let laws: [(&str, Check<F>); 11] = [
        ("works", works),
        ("quiet", quiet),
        ("clock", clock),
        ("split", split),
        ("order", order),
        ("end", end),
        ("room", room),
        ("need", need),
        ("calm", calm),
        ("clear", clear),
        ("stop", stop),
    ];
    for (at, (name, check)) in (1..).zip(laws) {
        // Shown if a law is broken, or with `--nocapture`.
        println!("{}: {name} ({at} of {})", subject.name, laws.len());
        check(subject);
    }
}

type Check<F> = fn(&Subject<F>);

/// Holds every conversation once, over a link that does nothing to it: without this no law can be
/// checked.
///
/// # Panics
///
/// If something that was said does not arrive, or if a law is broken that can be seen in one call.
pub fn works<F: Traffic>(subject: &Subject<F>) {
    for talk in Talk::ALL {
        let mut world = World::new(subject, Setting::whole(most(subject)), say(talk));
        talk.hold(&mut world, &items(subject));
        if let Some((who, seen)) = comes_through(&world) {
            let (subject, what) = (&world.scene.subject, &world.scene.what);
            panic!(
                "{subject} does not work, so no law can be checked\n  by: the {who}\n  seen: {seen}\n  when: {what}"
            );
        }
    }
}

/// Checks [`Law::Split`]: conversations over links that cut the bytes at every size and place, with
/// bytes that were bent among them.
///
/// # Panics
///
/// If the law is broken.
pub fn split<F: Traffic>(subject: &Subject<F>) {
    let items = items(subject);
    for talk in Talk::ALL {
        let mut wanted = None;
        for limit in subject.limits.iter().rev() {
            for cutting in CUTTINGS {
                let mut world = World::new(subject, Setting::cut(*limit, cutting), say(talk));
                talk.hold(&mut world, &items);
                same(subject, &mut wanted, &world, Law::Split);
            }
        }
    }
    let setting = Setting::whole(most(subject));
    let mut whole = World::new(subject, setting, say(Talk::Turns));
    Talk::Turns.hold(&mut whole, &items);
    let carried = whole.carried().into_iter().max().unwrap_or(0);
    let mut wanted = None;
    same(subject, &mut wanted, &whole, Law::Split);
    for at in offsets(carried, subject.samples) {
        let setting = Setting::cut(setting.limit, Cutting::Split(at));
        let mut world = World::new(subject, setting, say(Talk::Turns));
        Talk::Turns.hold(&mut world, &items);
        same(subject, &mut wanted, &world, Law::Split);
    }
    // Good bytes and bad ones in one lump are good bytes, then bad ones.
    for (open, to) in phases(subject) {
        for at in offsets(length(subject, open, to), subject.samples / 8) {
            compare(subject, open, to, at, &Fault::Flip(0x10), Law::Split);
        }
    }
}

/// Checks [`Law::Order`]: connections that are cut at every place, and applications that give up.
///
/// # Panics
///
/// If the law is broken.
pub fn order<F: Traffic>(subject: &Subject<F>) {
    for open in [false, true] {
        for to in [Role::Server, Role::Client] {
            if open && subject.refused {
                continue;
            }
            let all = length(subject, open, to);
            for at in offsets(all, subject.samples / 4) {
                for clean in [false, true] {
                    cut(subject, open, to, at, clean);
                }
            }
        }
    }
    for from in [Role::Client, Role::Server] {
        for limit in &subject.limits {
            for shows_aborts in [true, false] {
                for open in [true, false] {
                    give_up(subject, *limit, from, shows_aborts, open);
                }
            }
        }
    }
}

/// Checks [`Law::Quiet`]: calls that have nothing to do, at the same time and a moment later.
///
/// Every other check does the same all the time.
///
/// # Panics
///
/// If the law is broken.
pub fn quiet<F: Traffic>(subject: &Subject<F>) {
    for limit in &subject.limits {
        let mut world = World::new(subject, Setting::whole(*limit), "idle between messages");
        world.settle();
        for from in [Role::Client, Role::Server, Role::Client] {
            for item in items(subject).chunks(100) {
                world.send(from, item);
                world.settle();
                world.settle();
            }
        }
        world.wind_up();
        world.settle();
    }
}

/// Checks [`Law::Clock`]: a peer that never answers, a slow link, and calls that come too late.
///
/// # Panics
///
/// If the law is broken.
pub fn clock<F: Traffic>(subject: &Subject<F>) {
    for late in [Duration::ZERO, Duration::from_secs(7200)] {
        for quiet_after_opening in [false, true] {
            let what = match quiet_after_opening {
                false => "the peer never answers",
                true => "the peer falls silent once open",
            };
            let mut world = World::new(subject, Setting::whole(most(subject)), what);
            if quiet_after_opening {
                world.settle();
            }
            world.ways.iter_mut().for_each(|way| way.stalled = true);
            world.send(Role::Client, &items(subject));
            world.settle();
            for _ in 0..16 {
                let Some(deadline) = world.deadline() else {
                    break;
                };
                world.now = world.now.max(deadline) + late;
                world.settle();
            }
            world.ways.iter_mut().for_each(|way| way.stalled = false);
            world.hang_up();
        }
    }
    let slow = Cutting::Late(Duration::from_millis(200));
    let setting = Setting::cut(most(subject), slow);
    let mut world = World::new(subject, setting, "a slow link");
    Talk::Turns.hold(&mut world, &items(subject));
    if let Some((who, seen)) = comes_through(&world) {
        world.fail(Law::Clock, who, seen);
    }
}

/// Checks [`Law::End`]: applications and peers that go on writing to a layer that is over, sides that
/// end while their wire is full, and applications that never read.
///
/// # Panics
///
/// If the law is broken.
pub fn end<F: Traffic>(subject: &Subject<F>) {
    full_wires(subject);
    deaf_applications(subject);
    let items = items(subject);
    for limit in &subject.limits {
        for clean in [true, false] {
            for open in [true, false] {
                let what = format!("everybody goes on writing after a cut (clean: {clean})");
                let mut world = World::new(subject, Setting::whole(*limit), what);
                if open {
                    world.settle();
                }
                for way in &mut world.ways {
                    way.break_after(1, Fault::Cut { clean });
                }
                for _ in 0..3 {
                    world.send(Role::Client, &items);
                    world.send(Role::Server, &items);
                    world.settle();
                }
                world.hang_up();
            }
        }
        let mut world = World::new(
            subject,
            Setting::whole(*limit),
            "bytes arrive after the end",
        );
        world.settle();
        world.finish(Role::Client);
        world.settle();
        world.finish(Role::Server);
        world.wind_up();
        for role in [Role::Client, Role::Server] {
            let (now, scene) = (world.now, world.scene.clone());
            let side = world.side(role);
            if !side.from_wire.is_closed() {
                side.from_wire.write(&JUNK);
                side.process(&scene, now);
            }
        }
    }
}

/// Checks [`Law::Need`]: messages larger than every limit and window, through flows that are too
/// small for them.
///
/// # Panics
///
/// If the law is broken.
pub fn need<F: Traffic>(subject: &Subject<F>) {
    large_units_in_pieces(subject);
    for limit in &subject.limits {
        let mut world = World::new(subject, Setting::whole(*limit), "small flows");
        Talk::Turns.hold(&mut world, &items(subject));
        stuck(&world);
        if *limit >= 100 && !subject.refused {
            // Through small flows it takes long, and less of it is large.
            let largest = match limit {
                ..4096 => subject.largest / 16,
                _ => subject.largest,
            };
            let large = [largest, largest / 40];
            let large: Vec<F::Item> = large.iter().flat_map(|n| (subject.sample)(*n)).collect();
            for talk in [Talk::Turns, Talk::Both] {
                let setting = Setting::whole(*limit);
                let mut world = World::new(subject, setting, "messages larger than every limit");
                talk.hold(&mut world, &large);
                stuck(&world);
            }
        }
    }
}

/// Checks [`Law::Room`]: a peer that does not read, and an application that does not.
///
/// # Panics
///
/// If the law is broken.
pub fn room<F: Traffic>(subject: &Subject<F>) {
    if subject.refused {
        return;
    }
    for limit in &subject.limits {
        let message = (subject.sample)(700);
        let weight: usize = message.iter().map(F::byte_size).sum();
        let unit = subject.unit + message.iter().map(F::byte_size).max().unwrap_or(0);
        let total = 16 * (limit + unit).max(1000);
        let items: Vec<F::Item> = (0..total / weight.max(1))
            .flat_map(|_| message.clone())
            .collect();
        for from in [Role::Client, Role::Server] {
            let to = from.peer();
            // The wire stands still.
            let mut world = World::new(subject, Setting::whole(*limit), "the peer does not read");
            world.settle();
            world.ways[from as usize].stalled = true;
            world.send(from, &items);
            world.settle();
            hoards(&mut world, from, limit + 2 * unit);
            world.ways[from as usize].stalled = false;
            world.settle();
            arrives(&world, to, &items);

            // The application stands still: two layers and four flows may fill.
            let setting = Setting::whole(*limit);
            let mut world = World::new(subject, setting, "the application does not read");
            world.settle();
            world.side(to).reads = false;
            world.send(from, &items);
            world.settle();
            hoards(&mut world, from, 3 * limit + 6 * unit);
            world.side(to).reads = true;
            world.settle();
            arrives(&world, to, &items);
        }
    }
}

/// Checks [`Law::Calm`]: junk, and conversations in which bytes were bent, lost and added.
///
/// # Panics
///
/// If the law is broken.
pub fn calm<F: Traffic>(subject: &Subject<F>) {
    let items = items(subject);
    let what = "the wire breaks before the application decides";
    let mut world = World::new(subject, Setting::whole(most(subject)), what);
    world.server.decides = false;
    world.settle();
    world.break_wires();
    world.hang_up();
    let bend = |to: Role, open: bool, at: usize, fault: Fault, seed: u64| {
        let name = match &fault {
            Fault::Insert(bytes) => format!("{} bytes are added", bytes.len()),
            fault => format!("{fault:?}"),
        };
        let what = format!("{name} at {at} of what the {to:?} reads (once open: {open})");
        let setting = Setting {
            seed,
            ..Setting::whole(most(subject))
        };
        let mut world = World::new(subject, setting, what);
        if open {
            world.settle();
        }
        world.ways[to.peer() as usize].break_after(at, fault);
        Talk::Both.hold(&mut world, &items);
        world.hang_up();
    };
    for to in [Role::Client, Role::Server] {
        for open in [false, true] {
            for fill in [None, Some(0), Some(0xff), Some(b'A'), Some(b'\n')] {
                let junk = fill.map_or_else(|| Rng::new(7).bytes(FLOOD), |byte| vec![byte; FLOOD]);
                bend(to, open, 0, Fault::Insert(junk), 7);
            }
        }
        let all = length(subject, false, to) + length(subject, true, to);
        for seed in 0..subject.samples as u64 {
            let mut rng = Rng::new(seed + 1);
            let at = rng.below(all);
            let fault = match rng.below(8) {
                0 => Fault::Lose,
                1 => {
                    let n = 1 + rng.below(40);
                    Fault::Insert(rng.bytes(n))
                }
                _ => Fault::Flip(1 << rng.below(8)),
            };
            bend(to, false, at, fault, seed);
        }
    }
}

/// Checks [`Law::Clear`]: every conversation with the layer taken out of the path as soon as it is
/// transparent, on either side and on both.
///
/// # Panics
///
/// If the law is broken.
pub fn clear<F: Traffic>(subject: &Subject<F>) {
    let items = items(subject);
    for talk in Talk::ALL {
        let mut wanted = None;
        for limit in &subject.limits {
            for cutting in [Cutting::Whole, Cutting::Chunks(50)] {
                for (client, server) in [(false, false), (true, false), (false, true), (true, true)]
                {
                    let setting = Setting::cut(*limit, cutting);
                    let what = format!("{}; bypassed: {client} {server}", say(talk));
                    let mut world = World::new(subject, setting, what);
                    (world.client.bypass, world.server.bypass) = (client, server);
                    talk.hold(&mut world, &items);
                    same(subject, &mut wanted, &world, Law::Clear);
                }
            }
        }
    }
}

/// Checks [`Law::Stop`]: wires that take no more at every moment of the opening and after it, while
/// the peer goes on speaking.
///
/// # Panics
///
/// If the law is broken.
pub fn stop<F: Traffic>(subject: &Subject<F>) {
    let items = items(subject);
    for limit in &subject.limits {
        for from in [Role::Client, Role::Server] {
            for open in [false, true] {
                for bypass in [false, true] {
                    let what = format!(
                        "the wire takes no more from the {from:?} (open: {open}, bypassed: {bypass})"
                    );
                    let mut world = World::new(subject, Setting::whole(*limit), what);
                    (world.client.bypass, world.server.bypass) = (bypass, bypass);
                    if open {
                        world.settle();
                    }
                    world.send(from, &items);
                    world.send(from.peer(), &items);
                    world.side(from).to_wire.lose(reset());
                    world.settle();
                    if open && !subject.refused {
                        let outcome = world.outcome();
                        if let Some(what) = difference(outcome.of(from).0, &items) {
                            world.fail(Law::Stop, from.name(), format!("it goes deaf: {what}"));
                        }
                    }
                    world.send(from, &items);
                    world.settle();
                    world.hang_up();
                }
            }
        }
    }
}

/// Checks [`Law::Nesting`]: that subjects which differ only in how they are grouped, boxed or
/// bypassed cannot be told apart, in good conversations and in bad ones.
///
/// # Panics
///
/// If one behaves unlike the first.
pub fn nesting<F: Traffic>(subjects: &[Subject<F>]) {
    let Some((first, rest)) = subjects.split_first() else {
        return;
    };
    let items = items(first);
    let compare = |setting: Setting, what: &str, act: &dyn Fn(&mut World<'_, F>)| {
        let run = |subject| {
            let mut world = World::new(subject, setting, what);
            world.settle();
            let opened = [world.client.statuses(), world.server.statuses()];
            act(&mut world);
            let ended = [world.client.statuses(), world.server.statuses()];
            let stops = [world.client.stopped(), world.server.stopped()];
            (world, [opened, ended], stops)
        };
        let (wanted, statuses, stops) = run(first);
        for subject in rest {
            let (seen, other, stopped) = run(subject);
            if let Some((who, what)) = seen.outcome().differs(&wanted.outcome()) {
                seen.fail(Law::Nesting, who, format!("{what} as for {}", first.name));
            }
            if statuses != other {
                let seen_here = format!("{other:?}, where {} has {statuses:?}", first.name);
                seen.fail(Law::Nesting, "conversation", seen_here);
            }
            if stops != stopped {
                let seen_here = format!("{stopped:?}, where {} has {stops:?}", first.name);
                seen.fail(Law::Nesting, "conversation", seen_here);
            }
            if subject.same_bytes {
                written(&seen, &transcripts(&wanted), Law::Nesting);
            }
        }
    };
    for limit in &first.limits {
        for cutting in [Cutting::Whole, Cutting::Chunks(50)] {
            for talk in Talk::ALL {
                compare(Setting::cut(*limit, cutting), &say(talk), &|world| {
                    talk.hold(world, &items);
                });
            }
        }
        for from in [Role::Client, Role::Server] {
            compare(
                Setting::whole(*limit),
                "the application gives up",
                &|world| {
                    world.send(from, &items);
                    world.side(from).abort();
                    world.hang_up();
                },
            );
            for later in [false, true] {
                let what = format!("the wire takes no more (behind what was said: {later})");
                compare(Setting::whole(*limit), &what, &|world| {
                    world.send(from, &items);
                    world.send(from.peer(), &items);
                    if later {
                        world.settle();
                    }
                    world.side(from).to_wire.lose(reset());
                    world.settle();
                    world.send(from, &items);
                    world.hang_up();
                });
            }
        }
    }
    for to in [Role::Client, Role::Server] {
        if first.refused {
            break;
        }
        for at in offsets(length(first, true, to), first.samples / 8) {
            for fault in [
                Fault::Cut { clean: true },
                Fault::Cut { clean: false },
                Fault::Flip(0x10),
            ] {
                let what = format!("{fault:?} at {at} of what the {to:?} reads");
                compare(Setting::whole(most(first)), &what, &|world| {
                    world.ways[to.peer() as usize].break_after(at, fault.clone());
                    world.send(to.peer(), &items);
                    world.finish(to.peer());
                    world.settle();
                    world.hang_up();
                });
            }
        }
    }
}

// --- what the checks have in common ---

pub(crate) fn items<F: Traffic>(subject: &Subject<F>) -> Vec<F::Item> {
    SIZES
        .iter()
        .flat_map(|size| (subject.sample)(*size))
        .collect()
}

pub(crate) fn most<F: Traffic>(subject: &Subject<F>) -> usize {
    subject.limits.iter().copied().max().unwrap_or(65536)
}

fn say(talk: Talk) -> String {
    format!("a conversation ({talk:?})")
}

/// Returns at most so many offsets below `all`: all of them if that is few enough.
fn offsets(all: usize, most: usize) -> Vec<usize> {
    let most = most.max(8);
    if all <= most {
        return (0..all).collect();
    }
    let mut rng = Rng::new(all as u64);
    let edge = most / 4;
    let mut at: Vec<usize> = (0..edge).chain(all - edge..all).collect();
    at.extend((0..most - 2 * edge).map(|_| rng.below(all)));
    at.sort_unstable();
    at.dedup();
    at
}

/// Says what is missing of a conversation that should have come through.
fn comes_through<F: Traffic>(world: &World<'_, F>) -> Option<(&'static str, String)> {
    let outcome = world.outcome();
    if !world.is_over() {
        let behind = match world.client.is_over() {
            true => &world.server,
            false => &world.client,
        };
        let why = match outcome.differs(&wanted(world)) {
            Some((_, seen)) if !world.client.refused() => seen,
            _ => "the conversation does not end".into(),
        };
        return Some((behind.who(), why));
    }
    if !world.client.refused() {
        return outcome.differs(&wanted(world));
    }
    let (got, end) = outcome.of(Role::Client);
    match end {
        Ended::Aborted { .. } if got.is_empty() => None,
        end => Some(("client", format!("it was refused, but to_app {end}"))),
    }
}

fn wanted<F: Traffic>(world: &World<'_, F>) -> Outcome<F::Item> {
    Outcome::good(world.client.sent(), world.server.sent())
}

pub(crate) fn stuck<F: Traffic>(world: &World<'_, F>) {
    if let Some((who, seen)) = comes_through(world) {
        world.fail(Law::Need, who, seen);
    }
}

type Transcripts = [Vec<u8>; 2];

fn transcripts<F: Traffic>(world: &World<'_, F>) -> Transcripts {
    [0, 1].map(|way| world.ways[way].transcript.clone())
}

/// Compares a world with the first one that was given.
fn same<F: Traffic>(
    subject: &Subject<F>,
    wanted: &mut Option<(Outcome<F::Item>, Transcripts)>,
    world: &World<'_, F>,
    law: Law,
) {
    let outcome = world.outcome();
    let Some((wanted, bytes)) = wanted else {
        if let Some((who, seen)) = comes_through(world) {
            world.fail(law, who, seen);
        }
        *wanted = Some((outcome, transcripts(world)));
        return;
    };
    if let Some((who, seen)) = outcome.differs(wanted) {
        world.fail(law, who, seen);
    }
    if subject.same_bytes {
        written(world, bytes, law);
    }
}

fn written<F: Traffic>(world: &World<'_, F>, wanted: &Transcripts, law: Law) {
    for (way, who) in [(0, "client"), (1, "server")] {
        let seen = &world.ways[way].transcript;
        if let Some(what) = difference(seen, &wanted[way]) {
            world.fail(law, who, format!("on the wire, {what}"));
        }
    }
}

/// The phases in which something can go wrong at a place that is the same every time.
fn phases<F: Traffic>(subject: &Subject<F>) -> Vec<(bool, Role)> {
    let opens = [(true, Role::Server), (true, Role::Client)];
    let opening = [(false, Role::Server), (false, Role::Client)];
    let mut all = Vec::new();
    if !subject.refused {
        all.extend(opens);
    }
    if subject.same_bytes {
        all.extend(opening);
    }
    all
}

/// Starts a world in which one side will say everything and finish.
fn stage<'a, F: Traffic>(
    subject: &'a Subject<F>,
    open: bool,
    to: Role,
    fault: Option<(usize, Fault)>,
    cutting: Cutting,
) -> World<'a, F> {
    let what = match &fault {
        Some((at, fault)) => format!("{fault:?} at {at} of what the {to:?} reads (open: {open})"),
        None => format!("the {to:?} reads"),
    };
    let mut world = World::new(subject, Setting::cut(most(subject), cutting), what);
    if open {
        world.settle();
    }
    if let Some((at, fault)) = fault {
        world.ways[to.peer() as usize].break_after(at, fault);
    }
    world
}

fn speak<F: Traffic>(world: &mut World<'_, F>, from: Role, items: &[F::Item]) {
    world.send(from, items);
    world.finish(from);
    world.settle();
}

/// Returns how many bytes `to` reads while both open, or of a monologue after that.
fn length<F: Traffic>(subject: &Subject<F>, open: bool, to: Role) -> usize {
    let way = to.peer() as usize;
    let mut world = stage(subject, true, to, None, Cutting::Whole);
    let opening = world.carried()[way];
    if !open {
        return opening;
    }
    speak(&mut world, to.peer(), &items(subject));
    world.carried()[way] - opening
}

/// Compares a fault in a lump with the same fault byte by byte, and returns the lump.
fn compare<'a, F: Traffic>(
    subject: &'a Subject<F>,
    open: bool,
    to: Role,
    at: usize,
    fault: &Fault,
    law: Law,
) -> World<'a, F> {
    let [apart, whole] = [Cutting::Chunks(1), Cutting::Whole].map(|cutting| {
        let mut world = stage(subject, open, to, Some((at, fault.clone())), cutting);
        speak(&mut world, to.peer(), &items(subject));
        world
    });
    if open || subject.same_bytes {
        let (outcomes, who) = ([&apart, &whole].map(|world| world.outcome()), to.name());
        let [(wanted, wanted_end), (seen, seen_end)] = [outcomes[0].of(to), outcomes[1].of(to)];
        if let Some(what) = difference(seen, wanted) {
            whole.fail(law, who, format!("in one lump, {what}"));
        }
        if seen_end != wanted_end {
            let what = format!("in one lump, to_app {seen_end}; byte by byte, it {wanted_end}");
            whole.fail(law, who, what);
        }
    }
    whole
}

/// Cuts a connection: what arrived whole counts, nothing else does, and only a protocol that cannot
/// know better takes it for an end.
fn cut<F: Traffic>(subject: &Subject<F>, open: bool, to: Role, at: usize, clean: bool) {
    let mut world = compare(subject, open, to, at, &Fault::Cut { clean }, Law::Order);
    let who = to.name();
    let sent = world.side(to.peer()).sent().to_vec();
    let outcome = world.outcome();
    let (got, end) = outcome.of(to);
    if !sent.starts_with(got) {
        let what = difference(got, &sent).unwrap_or_default();
        world.fail(Law::Order, who, what);
    }
    let all = got.len() == sent.len();
    let fooled = open && clean && !subject.marks_end;
    match end {
        Ended::Not => world.fail(
            Law::Order,
            who,
            "the connection was cut, but to_app goes on",
        ),
        Ended::Finished if !(fooled || all && subject.marks_end) => {
            world.fail(
                Law::Order,
                who,
                "the connection was cut, but to_app finished",
            );
        }
        // A refusal may have been read before.
        Ended::Aborted { layer, text } if !clean && !subject.refused && *layer != LINK => {
            let what = format!("the connection was reset, but to_app says \"{text}\"");
            world.fail(Law::Order, who, what);
        }
        _ => {}
    }
    world.hang_up();
}

/// Lets an application abort: what it said before arrives, and its peer is not told that it finished.
fn give_up<F: Traffic>(
    subject: &Subject<F>,
    limit: usize,
    from: Role,
    shows_aborts: bool,
    open: bool,
) {
    let what = format!("the {from:?} aborts (open: {open}, the link shows aborts: {shows_aborts})");
    let mut world = World::new(subject, Setting::whole(limit), what);
    if open {
        world.settle();
    }
    for way in &mut world.ways {
        way.shows_aborts = shows_aborts;
    }
    let items = items(subject);
    world.send(from, &items);
    world.side(from).abort();
    world.settle();
    let to = from.peer();
    let who = to.name();
    let outcome = world.outcome();
    let (got, end) = outcome.of(to);
    if open && !subject.refused {
        if let Some(what) = difference(got, &items) {
            world.fail(Law::Order, who, what);
        }
        if *end == Ended::Not {
            world.fail(Law::Order, who, "its peer aborted, but to_app goes on");
        }
    }
    if *end == Ended::Finished && (shows_aborts || subject.marks_end) {
        world.fail(Law::Order, who, "its peer aborted, but to_app finished");
    }
    world.hang_up();
}

/// Fails if much more was taken from an application that nobody reads than the flows and layers may
/// hold: an item need not be as long on the wire as it weighs.
fn hoards<F: Traffic>(world: &mut World<'_, F>, from: Role, most: usize) {
    let taken = world.side(from).taken();
    if taken > 2 * most {
        let seen = format!("{taken} bytes were taken, where {most} have room");
        world.fail(Law::Room, from.name(), seen);
    }
}

fn arrives<F: Traffic>(world: &World<'_, F>, to: Role, items: &[F::Item]) {
    let outcome = world.outcome();
    if let Some(what) = difference(outcome.of(to).0, items) {
        world.fail(Law::Room, to.name(), format!("after a pause, {what}"));
    }
}

const CUTTINGS: [Cutting; 5] = [
    Cutting::Whole,
    Cutting::Chunks(1),
    Cutting::Chunks(50),
    Cutting::Chunks(3000),
    Cutting::Late(Duration::from_millis(50)),
];

/// How much junk a layer has to bear, in bytes.
const FLOOD: usize = 100 << 10;

const JUNK: [u8; 64] = [0x5a; 64];
