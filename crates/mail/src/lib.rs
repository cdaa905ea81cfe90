//! Mail at rest: domains, accounts, logins, mailboxes, messages, changes, quota.
//!
//! What never happens here: a socket, a wire protocol's session, a decision about mail on the road.
#![forbid(unsafe_code)]

mod account;
mod alter;
mod append;
mod arrivals;
mod auth;
mod before;
mod binary;
mod bits;
mod change;
pub mod codec;
mod deliver;
mod directory;
mod error;
mod fetch;
mod flags;
mod gap;
mod history;
mod ids;
mod keys;
mod keywords;
pub mod limits;
mod line_ends;
mod mailbox;
mod name;
mod parse;
mod part_header;
mod parts;
mod pictures;
mod proof;
mod ready;
mod record;
mod resolve;
pub mod road;
#[cfg(test)]
mod roundtrips;
mod rows;
mod sessions;
mod settings;
mod since;
mod state;
mod subscription;
mod tree;
mod upkeep;
mod verify;
mod view;

pub use account::{Account, Appended, NewMessage, Quota};
pub use arrivals::{Arrival, ArrivalPlace, Arrivals, Presence, Sought};
pub use auth::{
    Argon2Cost, Auth, Conversation, HostUser, IntrospectionSettings, IssuerSettings, LoginClient,
    LoginRefusal, NewPassword, PasswordRefusal, Progress, Response, StampAnswer, is_of_the_system,
    prepared_password,
};
pub use binary::{BinaryEncoder, NulOutsideBinary};
pub use deliver::{Addressed, Delivered, DeliveredTo, Incoming, Leg, Mail, Prefix, Room};
pub use directory::{
    AccountChange, AccountInfo, AliasInfo, AliasTo, Company, Directory, DkimKey, DomainInfo,
    Existing, Forward, HostChange, HostInfo, KeyAlgorithm, KeySecret, KeyState, ReadablePassword,
    RemovedInfo, Resolved, SharedKey, Standing,
};
pub use error::{AppendError, DeliverError, DirectoryError, MailboxError, StoreError, ViewError};
pub use flags::{FlagChange, Flags, Keyword, SystemFlags};
pub use history::{Change, ChangeEntry};
pub use ids::{AccountId, EmailId, MailboxId, ModSeq, ThreadId};
pub use line_ends::LineEnds;
pub use mailbox::{MailboxChange, MailboxInfo, Status};
pub use name::{MailboxName, NameError, SpecialUse};
pub use parse::Survey;
pub use part_header::PartHeader;
pub use parts::{Encoding, Part, PartKind, PartTree, Section};
pub use proof::{Admin, Delivery, Login, Place};
pub use ready::{
    Content, DeliveredEnvelope, Dsn, Form, Headers, KeptField, LastLine, Ready, read_ahead,
};
pub use sasl::Mechanism;
pub use settings::{FirstMailbox, MailSettings, ThrottleSettings, WeakPasswords};
pub use since::Since;
pub use store::{Bell, Body, BodyRefusal, BodyWriter, Db, Fault};
pub use upkeep::UpkeepReport;
pub use verify::{Problem, VerifyReport};
pub use view::{
    Access, Copied, Cursor, Expunges, Message, Seqs, StoreResult, Sums, Update, View, Want, Weight,
};
