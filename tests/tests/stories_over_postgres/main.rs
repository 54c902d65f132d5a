//! The same stories as over the embedded stores, with log, keys and views in PostgreSQL, and those of several nodes.

#[path = "../stories/accounts.rs"]
mod accounts;
#[path = "../stories/acme.rs"]
mod acme;
#[path = "../stories/attachments.rs"]
mod attachments;
#[path = "../stories/audit.rs"]
mod audit;
mod backups;
#[path = "../stories/blocks.rs"]
mod blocks;
#[path = "../stories/browsers.rs"]
mod browsers;
#[path = "../stories/changing.rs"]
mod changing;
#[path = "../stories/closing.rs"]
mod closing;
#[path = "../stories/connections.rs"]
mod connections;
#[path = "../stories/consistency.rs"]
mod consistency;
#[path = "../stories/contacts.rs"]
mod contacts;
#[path = "../stories/devices.rs"]
mod devices;
#[path = "../stories/direct.rs"]
mod direct;
#[path = "../stories/erasure.rs"]
mod erasure;
#[path = "../stories/exports.rs"]
mod exports;
#[path = "../stories/groups.rs"]
mod groups;
#[path = "../stories/guessing.rs"]
mod guessing;
#[path = "../stories/holds.rs"]
mod holds;
#[path = "../stories/https.rs"]
mod https;
#[path = "../stories/idempotency.rs"]
mod idempotency;
#[path = "../stories/import.rs"]
mod import;
#[path = "../stories/inbox.rs"]
mod inbox;
#[path = "../stories/limits.rs"]
mod limits;
#[path = "../stories/live.rs"]
mod live;
#[path = "../stories/live_socket.rs"]
mod live_socket;
#[path = "../stories/mail.rs"]
mod mail;
mod nodes;
mod notaries;
#[path = "../stories/notary.rs"]
mod notary;
#[path = "../stories/operating.rs"]
mod operating;
#[path = "../stories/pages.rs"]
mod pages;
#[path = "../stories/past.rs"]
mod past;
#[path = "../stories/permissions/mod.rs"]
mod permissions;
#[path = "../stories/presence.rs"]
mod presence;
#[path = "../stories/privacy.rs"]
mod privacy;
#[path = "../stories/problems.rs"]
mod problems;
#[path = "../stories/reading.rs"]
mod reading;
#[path = "../stories/rebuilding.rs"]
mod rebuilding;
mod refusals;
#[path = "../stories/retention.rs"]
mod retention;
mod roles;
#[path = "../stories/scheduled.rs"]
mod scheduled;
#[path = "../stories/search.rs"]
mod search;
#[path = "../stories/second_factor.rs"]
mod second_factor;
#[path = "../stories/seed.rs"]
mod seed;
#[path = "../stories/sending.rs"]
mod sending;
#[path = "../stories/sessions.rs"]
mod sessions;
#[path = "../stories/traces.rs"]
mod traces;
#[path = "../stories/uploads.rs"]
mod uploads;
#[path = "../stories/watching.rs"]
mod watching;
#[path = "../stories/webhooks.rs"]
mod webhooks;
mod webhooks_of_nodes;
