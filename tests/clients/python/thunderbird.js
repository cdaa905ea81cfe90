// What a user does in Thunderbird, step by step; thunderbird.py calls these by name.
//
// Each step ends when Thunderbird says that the work is done; none waits by the clock.

const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");

const service = (contract, type) => Cc[contract].getService(type);
const make = (contract, type) => Cc[contract].createInstance(type);

/** The result of work that ends by calling a URL listener. */
async function ran(work) {
  const code = await new Promise(resolve =>
    work({ OnStartRunningUrl() {}, OnStopRunningUrl(url, code) { resolve(code); } })
  );
  if (code) {
    throw new Error(`it ended with 0x${code.toString(16)}`);
  }
}

/** The result of copying, moving or deleting. */
async function copied(work) {
  const code = await new Promise(resolve =>
    work({
      QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]),
      onStartCopy() {},
      onProgress() {},
      setMessageKey() {},
      getMessageId() { return null; },
      onStopCopy(code) { resolve(code); },
    })
  );
  if (code) {
    throw new Error(`it ended with 0x${code.toString(16)}`);
  }
}

/** The next window of which this is said. */
function windowThat(topic, isIt) {
  return new Promise(resolve => {
    const observer = {
      observe(window, what) {
        if (what == topic && isIt(window)) {
          Services.ww.unregisterNotification(observer);
          resolve(window);
        }
      },
    };
    Services.ww.registerNotification(observer);
  });
}

const root = () => MailServices.accounts.defaultAccount.incomingServer.rootFolder;
const folder = flag => root().getFolderWithFlags(Ci.nsMsgFolderFlags[flag]);
const message = (folder, subject) => Array.from(folder.messages).find(m => m.mime2DecodedSubject == subject);

window.steps = {
  /** What "Confirm Security Exception" does. */
  trust(certificate, ports) {
    const made = service("@mozilla.org/security/x509certdb;1", Ci.nsIX509CertDB).constructX509FromBase64(certificate);
    const overrides = service("@mozilla.org/security/certoverride;1", Ci.nsICertOverrideService);
    for (const port of ports) {
      overrides.rememberValidityOverride("localhost", port, {}, made, false);
    }
  },

  async remember(scheme, user, password) {
    const login = make("@mozilla.org/login-manager/loginInfo;1", Ci.nsILoginInfo);
    const origin = `${scheme}://localhost`;
    login.init(origin, null, origin, user, password, "", "");
    await Services.logins.addLoginAsync(login);
  },

  addAccount(user, type, port, socket, submission) {
    const incoming = MailServices.accounts.createIncomingServer(user, "localhost", type);
    incoming.port = port;
    incoming.socketType = Ci.nsMsgSocketType[socket];
    incoming.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
    const outgoing = MailServices.outgoingServer.createServer("smtp");
    const smtp = outgoing.QueryInterface(Ci.nsISmtpServer);
    smtp.hostname = "localhost";
    smtp.port = submission;
    outgoing.username = user;
    outgoing.socketType = Ci.nsMsgSocketType.alwaysSTARTTLS;
    outgoing.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
    const identity = MailServices.accounts.createIdentity();
    identity.email = user;
    identity.composeHtml = false;
    identity.smtpServerKey = outgoing.key;
    const account = MailServices.accounts.createAccount();
    account.addIdentity(identity);
    account.incomingServer = incoming;
    if (type == "imap") {
      MailServices.accounts.defaultAccount = account;
    }
    return incoming.key;
  },

  async listFolders() {
    await ran(listener => MailServices.imap.discoverAllFolders(root(), listener, null));
    const uses = ["Inbox", "Archive", "Drafts", "Junk", "SentMail", "Trash"];
    return root().descendants.map(folder => [
      folder.URI.split("@localhost/")[1],
      uses.filter(use => folder.flags & Ci.nsMsgFolderFlags[use]),
    ]);
  },

  async getMessages() {
    const inbox = folder("Inbox");
    await ran(listener => inbox.getNewMessages(null, listener));
    return Array.from(inbox.messages).map(m => m.mime2DecodedSubject);
  },

  /** Clicks on the folder and on the message, and says what the message pane shows. */
  async read(subject) {
    const pane = window.document.getElementById("tabmail").currentAbout3Pane;
    const inbox = folder("Inbox");
    pane.paneLayout.messagePaneVisible = true;
    pane.displayFolder(inbox.URI);
    const browser = pane.messageBrowser.contentWindow;
    const shown = new Promise(resolve => browser.addEventListener("MsgLoaded", resolve, { once: true }));
    pane.threadTree.selectedIndex = pane.gDBView.findIndexOfMsgHdr(message(inbox, subject), true);
    await shown;
    return browser.getMessagePaneBrowser().contentDocument.body.textContent;
  },

  /** Writes in the compose window and clicks on Send; it closes when the message is sent and filed. */
  async send(to, subject, text, attachment) {
    const fields = make("@mozilla.org/messengercompose/composefields;1", Ci.nsIMsgCompFields);
    Object.assign(fields, { to, subject, body: text });
    const part = make("@mozilla.org/messengercompose/attachment;1", Ci.nsIMsgAttachment);
    part.url = `data:application/octet-stream;base64,${attachment}`;
    part.name = "daten.bin";
    fields.addAttachment(part);
    const params = make("@mozilla.org/messengercompose/composeparams;1", Ci.nsIMsgComposeParams);
    params.composeFields = fields;
    params.identity = MailServices.accounts.defaultAccount.defaultIdentity;
    params.format = Ci.nsIMsgCompFormat.PlainText;
    const opened = windowThat("domwindowopened", () => true);
    MailServices.compose.OpenComposeWindowWithParams(null, params);
    const compose = await opened;
    await new Promise(resolve => compose.addEventListener("compose-editor-ready", resolve, { once: true }));
    const closed = windowThat("domwindowclosed", window => window == compose);
    compose.goDoCommand("cmd_sendNow");
    await closed;
  },

  flag(subject) {
    const inbox = folder("Inbox");
    inbox.markMessagesFlagged([message(inbox, subject)], true);
  },

  tag(subject, keyword) {
    const inbox = folder("Inbox");
    inbox.addKeywordsToMessages([message(inbox, subject)], keyword);
  },

  /** As by dragging: done in the local copy at once and on the server soon after. */
  async move(subject, to) {
    const inbox = folder("Inbox");
    const headers = [message(inbox, subject)];
    await copied(listener => MailServices.copy.copyMessages(inbox, headers, folder(to), true, listener, null, true));
  },

  /** As a filter does it: on the server at once. A second action that can be undone might wait long. */
  async toTrash(subject) {
    const inbox = folder("Inbox");
    const headers = [message(inbox, subject)];
    await copied(listener => inbox.deleteMessages(headers, null, false, false, listener, false));
  },

  async createFolder(name) {
    const added = new Promise(resolve => {
      const listener = {
        folderAdded(folder) {
          if (folder.name == name) {
            MailServices.mfn.removeListener(listener);
            resolve();
          }
        },
      };
      MailServices.mfn.addListener(listener, MailServices.mfn.folderAdded);
    });
    root().createSubfolder(name, null);
    await added;
  },

  /** From now on; `heard` gives what was heard. */
  listen(subject) {
    window.hearing = new Promise(resolve => {
      const listener = {
        msgAdded(header) {
          if (header.mime2DecodedSubject == subject) {
            MailServices.mfn.removeListener(listener);
            resolve(header.folder.URI.split("@localhost/")[1]);
          }
        },
      };
      MailServices.mfn.addListener(listener, MailServices.mfn.msgAdded);
    });
  },

  heard: () => window.hearing,

  /** The server searches, not Thunderbird. */
  async search(attribute, text) {
    const session = make("@mozilla.org/messenger/searchSession;1", Ci.nsIMsgSearchSession);
    session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, folder("Inbox"));
    const term = session.createTerm();
    const value = term.value;
    value.attrib = Ci.nsMsgSearchAttrib[attribute];
    value.str = text;
    Object.assign(term, { attrib: value.attrib, op: Ci.nsMsgSearchOp.Contains, value, booleanAnd: true });
    session.appendTerm(term);
    const hits = [];
    await new Promise(resolve => {
      session.registerListener({
        QueryInterface: ChromeUtils.generateQI(["nsIMsgSearchNotify"]),
        onSearchHit(header) { hits.push(header.mime2DecodedSubject); },
        onSearchDone: resolve,
        onNewSearch() {},
      });
      session.search(null);
    });
    return hits;
  },

  async fetchByPop3(key) {
    const server = MailServices.accounts.getIncomingServer(key);
    server.QueryInterface(Ci.nsIPop3IncomingServer).leaveMessagesOnServer = false;
    const inbox = server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
    await ran(listener => MailServices.pop3.GetNewMail(null, listener, inbox, server));
    return Array.from(inbox.messages).map(m => m.mime2DecodedSubject).sort();
  },
};
