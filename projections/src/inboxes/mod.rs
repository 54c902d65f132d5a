//! Inboxes and unread counts in memory, for as long as they hold: not for a time, but until something they show is touched.
//!
//! What is kept of somebody is how they stand in each of their conversations, and what the inbox shows of those that were asked
//! for. When some of them are touched, only these are read again (ADR 0025).

mod marking;
mod touched;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use quick_cache::{Weighter, sync::Cache};
use tidings_domain::UserId;

pub(crate) use touched::{Mark, Moment, Touched};

use crate::{
    model::{Conversation, InboxFilter, InboxPage, Message, Shown, UnreadCounts},
    viewing::Viewer,
};

/// The most bytes of all that is kept, about.
const MOST_BYTES: u64 = 64 << 20;
/// How many people that may be, about.
const PEOPLE: usize = 4_000;
/// The most different first pages that are kept of one inbox.
const PAGES: usize = 4;

/// How somebody stands in a conversation.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) viewer: Viewer,
    pub(crate) unread: i64,
    pub(crate) marks: [Mark; 2],
}

impl Standing {
    pub(crate) fn new(viewer: Viewer, unread: i64) -> Self {
        let marks = [Mark::conversation(viewer.number), Mark::place(viewer.number, viewer.user)];
        Self { viewer, unread, marks }
    }
}

/// What an inbox shows of a conversation, and by whose names.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) shown: Arc<Shown<Conversation>>,
    names: Box<[Mark]>,
}

impl Item {
    pub(crate) fn new(conversation: Conversation) -> Self {
        let named = conversation.members.iter().map(|member| member.id);
        let message = conversation.last_message.iter();
        let of_message = message
            .flat_map(|message| message.mentions.iter().map(|mentioned| mentioned.id).chain([message.sender.id]));
        let names = named.chain(of_message).map(Mark::person).collect();
        Self { shown: Arc::new(Shown::new(conversation)), names }
    }
}

/// A conversation of an inbox, as far as it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) standing: Arc<Standing>,
    /// How many of the unread mention the reader.
    pub(crate) mentions: Option<u64>,
    pub(crate) item: Option<Arc<Item>>,
}

/// A generation that something was read from, and when.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    touched: Arc<Touched>,
    moment: Moment,
}

impl Source {
    /// To be made before anything is read.
    pub(crate) fn now(touched: &Arc<Touched>) -> Self {
        Self { touched: touched.clone(), moment: touched.moment() }
    }

    fn holds(&self, marks: &[Mark]) -> bool {
        self.touched.rests_since(self.moment) || self.touched.untouched_since(self.moment, marks)
    }
}

/// What was read of the views at one moment of one epoch of theirs.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    pub(crate) epoch: u64,
    pub(crate) conversations: Source,
    pub(crate) directory: Source,
}

impl Sources {
    fn erased(&self) -> bool {
        [&self.conversations, &self.directory].iter().any(|source| source.touched.erased_since(source.moment))
    }
}

/// Somebody's inbox as it was at a moment. Entries come with the newest activity first.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub(crate) user: UserId,
    pub(crate) sources: Sources,
    pub(crate) entries: Vec<Entry>,
    marks: Vec<Mark>,
    names: Vec<Mark>,
    bytes: u64,
    pages: Mutex<Vec<Kept>>,
    counts: Mutex<Option<Arc<UnreadCounts>>>,
}

#[derive(Debug, Clone)]
struct Kept {
    filter: InboxFilter,
    limit: usize,
    page: Arc<InboxPage>,
}

impl Inbox {
    pub(crate) fn new(user: UserId, sources: Sources, entries: Vec<Entry>) -> Self {
        let mut marks: Vec<Mark> = entries.iter().flat_map(|entry| entry.standing.marks).collect();
        marks.push(Mark::person(user));
        let items = entries.iter().filter_map(|entry| entry.item.as_deref());
        let mut names: Vec<Mark> = items.clone().flat_map(|item| item.names.iter().copied()).collect();
        for marks in [&mut marks, &mut names] {
            marks.sort_unstable();
            marks.dedup();
        }
        let bytes = 512 + entries.len() as u64 * 320 + items.map(|item| weight(&item.shown.what)).sum::<u64>();
        Self { user, sources, entries, marks, names, bytes, pages: Mutex::default(), counts: Mutex::default() }
    }

    /// The person's place: in which conversations they are.
    pub(crate) fn is_of_the_same(&self) -> bool {
        self.sources.conversations.holds(&[Mark::person(self.user)])
    }

    /// One of its entries as far as it holds, and whether that is all of it; none where how they stand there was touched.
    pub(crate) fn still(&self, entry: &Entry) -> Option<(Entry, bool)> {
        if !self.sources.conversations.holds(&entry.standing.marks) {
            return None;
        }
        let named = |item: &Arc<Item>| self.sources.directory.holds(&item.names);
        let item = entry.item.clone().filter(named);
        let whole = item.is_some() == entry.item.is_some();
        Some((Entry { standing: entry.standing.clone(), mentions: entry.mentions, item }, whole))
    }

    /// Whether nothing of it has changed.
    fn holds(&self, epoch: u64) -> bool {
        self.counts_hold(epoch) && self.sources.directory.holds(&self.names)
    }

    /// The same but for names.
    fn counts_hold(&self, epoch: u64) -> bool {
        self.sources.epoch == epoch && self.sources.conversations.holds(&self.marks)
    }

    /// A page of it, if that was asked for before.
    fn page(&self, filter: InboxFilter, limit: usize) -> Option<Arc<InboxPage>> {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.iter().find(|kept| kept.filter == filter && kept.limit == limit).map(|kept| kept.page.clone())
    }

    pub(crate) fn keep_page(&self, filter: InboxFilter, limit: usize, page: Arc<InboxPage>) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.len() == PAGES {
            pages.remove(0);
        }
        pages.push(Kept { filter, limit, page });
    }

    /// What was made of it before; nothing of that has changed.
    pub(crate) fn take_over(&self, before: &Self) {
        let pages = before.pages.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *self.pages.lock().unwrap_or_else(PoisonError::into_inner) = pages;
        let counts = before.counts();
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    fn counts(&self) -> Option<Arc<UnreadCounts>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn keep_counts(&self, counts: Arc<UnreadCounts>) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = Some(counts);
    }
}

/// About how many bytes an item takes: by itself, in its form, and in the form of its page.
fn weight(conversation: &Conversation) -> u64 {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let of_message = |message: &Message| {
        let lists = message.mentions.len() + message.attachments.len() + message.reactions.len();
        700 + text(&message.subject) + text(&message.body) + 150 * lists
    };
    let message = conversation.last_message.as_ref().map_or(0, of_message);
    3 * (400 + text(&conversation.name) + 100 * conversation.members.len() + message) as u64
}

/// All that is kept, of whom it is asked for.
pub(crate) struct Inboxes {
    kept: Cache<UserId, Arc<Inbox>, Bytes>,
    epoch: AtomicU64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<UserId, Arc<Inbox>> for Bytes {
    fn weight(&self, _user: &UserId, inbox: &Arc<Inbox>) -> u64 {
        inbox.bytes
    }
}

impl Default for Inboxes {
    fn default() -> Self {
        Self { kept: Cache::with_weighter(PEOPLE, MOST_BYTES, Bytes), epoch: AtomicU64::new(0) }
    }
}

impl Inboxes {
    /// Something else serves from now on: nothing from before holds.
    pub(crate) fn begin_epoch(&self, epoch: u64) {
        self.epoch.store(epoch, Ordering::SeqCst);
        self.kept.clear();
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// What is kept of somebody; parts of it may not hold any more.
    pub(crate) fn of(&self, user: UserId) -> Option<Arc<Inbox>> {
        self.kept.get(&user).filter(|inbox| inbox.sources.epoch == self.epoch())
    }

    /// A page that is kept and holds.
    pub(crate) fn page(&self, user: UserId, filter: InboxFilter, limit: usize) -> Option<Arc<InboxPage>> {
        let inbox = self.kept.get(&user)?;
        let page = inbox.page(filter, limit)?;
        inbox.holds(self.epoch()).then_some(page)
    }

    /// Counts that are kept and hold.
    pub(crate) fn counts(&self, user: UserId) -> Option<Arc<UnreadCounts>> {
        let inbox = self.kept.get(&user)?;
        let counts = inbox.counts()?;
        inbox.counts_hold(self.epoch()).then_some(counts)
    }

    /// Keeps what was read, in place of what was kept before.
    pub(crate) fn keep(&self, inbox: &Arc<Inbox>) {
        self.kept.insert(inbox.user, inbox.clone());
        // whoever erased something, or let another view serve, before it was there did not see it
        let stale = |_: &UserId, kept: &Arc<Inbox>| Arc::ptr_eq(kept, inbox) && !kept.holds(self.epoch());
        if inbox.sources.epoch != self.epoch() || inbox.sources.erased() {
            self.kept.remove_if(&inbox.user, |kept| stale(&inbox.user, kept));
        }
    }

    /// Something was erased: what does not hold any more may show it, and goes before anybody is told.
    pub(crate) fn forget(&self) {
        let epoch = self.epoch();
        self.kept.retain(|_, inbox| inbox.holds(epoch));
    }
}
