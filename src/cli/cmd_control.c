/* The groups that are nothing but rows: the node does the work (app/command.h). */
#include "cli/cli.h"
#include "cli/cmd_policy.h"

#define ID                                                                                                   \
    {                                                                                                        \
        "ID", CLI_TEXT, "id", NULL, "a STIX identifier"                                                      \
    }
#define AUDIENCE                                                                                             \
    {                                                                                                        \
        "AUDIENCE", CLI_TEXT, "audience", NULL, "name of the partner's view"                                 \
    }
#define WAITING                                                                                              \
    {                                                                                                        \
        "NUMBER", CLI_TEXT, "id", NULL,                                                                      \
            "of the version, as bongsu holds list prints it; or a STIX identifier"                           \
    }
#define OF_VERSION                                                                                           \
    {                                                                                                        \
        "version", CLI_TEXT, "version", "TIME",                                                              \
            "the modified of the version read: refuses when a newer stands"                                  \
    }
#define BECAUSE                                                                                              \
    {                                                                                                        \
        "because", CLI_TEXT, "because", "TEXT", "why: stands in the log"                                     \
    }
#define FEED_CREDENTIALS                                                                                     \
    {"user", CLI_TEXT, "user", "NAME", "of Basic"},                                                          \
        {"password-file", CLI_FILE, "password", "FILE", "its password; - is standard input"},                \
        {"token-file", CLI_FILE, "token", "FILE", "a bearer token"},                                         \
        {"cert", CLI_FILE, "certificate", "FILE", "client certificate, PEM"},                                \
        {"key", CLI_FILE, "key", "FILE", "its key, PEM, without passphrase"},                                \
        {"ca", CLI_FILE, "authorities", "FILE", "PEM, trusted instead of the system's authorities"},         \
        {"pin", CLI_TEXT, "pin", "HEX", "or: SHA-256 of the server's public key"},                           \
    {                                                                                                        \
        "private", CLI_FLAG, "private", NULL, "its server may have a private or loopback address"            \
    }
#define GROUP(rows)                                                                                          \
    {                                                                                                        \
        rows, sizeof rows / sizeof rows[0]                                                                   \
    }

/* --- sources, identities, markings, tags --- */

#define ACCEPTED_COLUMNS                                                                                     \
    {"SOURCE", "name"}, {"TYPES", "types"}, {"IDENTITIES", "identities"}, {"TLP MAX", "tlp_max"},            \
        {"WINDOW", "window"}, {"OBJECTS", "objects"}, {"OF", "objects_max"}, {"BYTES", "bytes"},             \
        {"OF", "bytes_max"}, {"QUOTA", "quota"},                                                             \
    {                                                                                                        \
        "OVER", "creators_over"                                                                              \
    }

static const struct cli_command source_rows[] = {
    {.words = "source add",
     .summary = "declare a source, or change what is declared",
     .args = {{"NAME", CLI_TEXT, "name", NULL, "as in bongsu add --source NAME"}},
     .options = {{"assume", CLI_TEXT, "assume", "tlp:clear",
                  "what its unmarked objects are taken as; needs --because"},
                 {"until", CLI_TEXT, "until", "DATE", "until when (2027-01-31)"},
                 {"rewrites", CLI_FLAG, "rewrites", NULL,
                  "its later copy of the same version wins; what it gives back is an echo"},
                 {"profile", CLI_TEXT, "profile", "strict|standard|lenient", "what is taken in (standard)"},
                 {"foreign", CLI_FLAG, "foreign", NULL, "what it delivers is not this node's own"},
                 BECAUSE},
     .control = "source.add"},
    {.words = "source list",
     .summary = "list the sources",
     .none = "no sources (bongsu source add declares one)",
     .control = "source.list",
     .columns = {{"SOURCE", "name"},
                 {"KIND", "kind"},
                 {"PROFILE", "profile"},
                 {"DECLARED", "declared"},
                 {"REWRITES", "rewrites"},
                 {"ECHO", "echo"},
                 {"ASSUME", "assume"},
                 {"UNTIL", "until"}}},
    {.words = "source accept",
     .summary = "say what is accepted from a source; the rest goes to quarantine",
     .help =
         "Takes the place of what was said before. A partner's source is peer.AUDIENCE. The ceiling is by\n"
         "TLP, or by what is assumed of unmarked objects; what names no creator passes --identities.",
     .args = {{"NAME", CLI_TEXT, "name", NULL, "as in bongsu source list"}},
     .options = {{"types", CLI_TEXT, "types", "TYPE,...", "these STIX types alone"},
                 {"identities", CLI_TEXT, "identities", "ID,...", "only by these creators"},
                 {"tlp-max", CLI_TEXT, "tlp-max", "tlp:green",
                  "nothing that any marking puts above this level"},
                 {"volume", CLI_TEXT, "volume", "10000,50MB/1d",
                  "so many new objects, bytes or both in a window"},
                 {"quota", CLI_TEXT, "quota", "sighting=1000/1d,...",
                  "of a type so many from each creator in a window"},
                 {"anything", CLI_FLAG, "anything", NULL, "all of it"},
                 BECAUSE},
     .control = "source.accept",
     .columns = {ACCEPTED_COLUMNS}},
    {.words = "source accepted",
     .summary = "list what is accepted from which source, and how much of it came",
     .none = "nothing is bounded: every source may bring what it likes (bongsu source accept)",
     .control = "source.accepted",
     .columns = {ACCEPTED_COLUMNS}},
    {.words = "identity bind",
     .summary = "say which source an identity is at home at",
     .args = {ID, {"SOURCE", CLI_TEXT, "source", NULL, "only it speaks for the identity"}},
     .options = {BECAUSE},
     .control = "identity.bind"},
    {.words = "marking classify",
     .summary = "say what a marking means here: a statement, or one with limits",
     .args = {ID},
     .options = {{"as", CLI_TEXT, "as", "tlp:clear", "the level that it amounts to"},
                 {"partners", CLI_TEXT, "partners", "NAME,...", "it goes to these alone (none: to nobody)"},
                 {"rel-to", CLI_TEXT, "rel_to", "KOR,USA,...", "and to these nations and communities alone"},
                 BECAUSE},
     .control = "marking.classify"},
    {.words = "marking keep",
     .summary = "let the owner's marking stand against others' stricter copies",
     .help = "Of one object, or --source: of all that a source brought. About the copies that are here now, "
             "of\n"
             "every version (an older one does not go again, what translates it does): what comes later "
             "binds\n"
             "again. A copy of the owner always binds. Where the policy says `activation by 2`, a second "
             "operator\n"
             "says it too. --lift takes it back.",
     .many = true,
     .rest = "id",
     .options = {{"source", CLI_TEXT, "source", "NAME", "all that this source tightened"},
                 {"until", CLI_TEXT, "until", "DATE", "they bind again then (2027-01-31)"},
                 {"lift", CLI_FLAG, "lift", NULL, "they bind again now"},
                 BECAUSE,
                 CLI_SIGNED},
     .control = "marking.keep"},
    {.words = "marking kept",
     .summary = "list these words, and what each source tightened",
     .none = "no such words, and nothing was tightened",
     .control = "marking.kept",
     .columns = {{"ABOUT", "about"},
                 {"STATE", "state"},
                 {"SINCE", "since"},
                 {"UNTIL", "until"},
                 {"BY", "by"},
                 {"SECOND", "second"},
                 {"BECAUSE", "because"}}},
    {.words = "tag add",
     .summary = "tag an object for the policy",
     .args = {ID, {"TAG", CLI_TEXT, "tag", NULL, "such as share:us-cisa"}},
     .options = {BECAUSE},
     .control = "tag.add"},
    {.words = "tag remove",
     .summary = "take a tag away",
     .args = {ID, {"TAG", CLI_TEXT, "tag", NULL, "the tag"}},
     .options = {BECAUSE},
     .control = "tag.remove"},
};
const struct cli_group cli_source = GROUP(source_rows);

/* --- extensions --- */

#define EXTENSION_COLUMNS                                                                                    \
    {"ID", "id"}, {"NAME", "name"}, {"VERSION", "version"}, {"TYPES", "types"},                              \
    {                                                                                                        \
        "RULES", "rules"                                                                                     \
    }

static const struct cli_command extension_rows[] = {
    {.words = "extension add",
     .summary = "register an extension-definition: objects that use it are checked",
     .help =
         "The schema is JSON Schema of a small kind (docs/protocol/EXTENSIONS.md): in the definition's own\n"
         "`schema`, or beside it with --schema. Nothing is fetched. What breaks it is a warning, which a\n"
         "source with the profile strict refuses.",
     .args = {{"FILE", CLI_FILE, "text", NULL,
               "the extension-definition, or a bundle that holds one; - is standard input"}},
     .options = {{"schema", CLI_FILE, "schema", "FILE", "its schema, when it does not hold it itself"},
                 BECAUSE},
     .control = "extension.add"},
    {.words = "extension list",
     .summary = "list the registered extensions",
     .none = "no extensions (bongsu extension add registers one)",
     .control = "extension.list",
     .columns = {EXTENSION_COLUMNS}},
    {.words = "extension show",
     .summary = "show a registered extension and its schema",
     .args = {ID},
     .control = "extension.show"},
    {.words = "extension remove",
     .summary = "forget an extension: what uses it is no longer checked against it",
     .args = {ID},
     .options = {BECAUSE},
     .control = "extension.remove"},
};
const struct cli_group cli_extension = GROUP(extension_rows);

/* --- partners --- */

static const struct cli_command peer_rows[] = {
    {.words = "peer add",
     .summary = "add a partner by its card, or take its newer card",
     .help = "Shows words to compare by telephone. The partner starts paused and without history.",
     .args = {{"CARD", CLI_FILE, "card", NULL, "file with the partner's card"}},
     .options = {{"audience", CLI_TEXT, "audience", "NAME", "name of its view, such as us-cisa"}, BECAUSE},
     .control = "peer.add",
     .columns = {{"RULE", "rule"}, {"EFFECT", "effect"}, {"OBJECTS", "objects"}}},
    {.words = "peer add-taxii",
     .summary = "add a partner that takes part by TAXII alone",
     .args = {AUDIENCE},
     .help = "With --server the partner is reached by a TAXII 2.1 server of his, both ways under one name:\n"
             "what he says is read from --in as feed AUDIENCE.in, what he may have is pushed to --out as\n"
             "feed AUDIENCE.out. Given again with other words, those count.",
     .options = {{"country", CLI_TEXT, "country", "JP", "for the policy"},
                 {"server", CLI_TEXT, "server", "URL", "https://..., an API root of his TAXII 2.1 server"},
                 {"in", CLI_TEXT, "in", "ID", "the collection that is read"},
                 {"out", CLI_TEXT, "out", "ID", "the collection that is pushed to; may be the same"},
                 {"every", CLI_TEXT, "every", "15m", "how often: 30s, 15m, 2h, 1d"},
                 {"limit", CLI_TEXT, "limit", "N", "objects a page, or an envelope"},
                 {"from", CLI_TEXT, "from", "TIME", "leave out what was added there before"},
                 {"delete", CLI_FLAG, "delete", NULL,
                  "delete there what is taken back, where the server lets us"},
                 FEED_CREDENTIALS,
                 BECAUSE},
     .control = "peer.add",
     .columns = {{"RULE", "rule"}, {"EFFECT", "effect"}, {"OBJECTS", "objects"}}},
    {.words = "peer list",
     .summary = "list the partners",
     .options = {{"all", CLI_FLAG, "all", NULL, "removed ones as well"}},
     .none = "no partners (bongsu peer add)",
     .control = "peer.list",
     .columns = {{"AUDIENCE", "audience"},
                 {"NODE", "node"},
                 {"COUNTRY", "country"},
                 {"STATE", "state"},
                 {"LINK", "link"},
                 {"SENT", "sent_leaves"},
                 {"RECEIVED", "received"},
                 {"READ UP TO", "in_cursor"},
                 {"PUSHED LEAVES", "out_cursor"},
                 {"TROUBLE", "trouble"}}},
    {.words = "peer start",
     .summary = "begin to release to a partner and to follow it",
     .args = {AUDIENCE},
     .options = {{"history", CLI_FLAG, "history", NULL, "also what is held already"}, BECAUSE},
     .control = "peer.start"},
    {.words = "peer pause",
     .summary = "stop for now",
     .args = {AUDIENCE},
     .options = {BECAUSE},
     .control = "peer.pause"},
    {.words = "peer remove",
     .summary = "end it: its connections are cut at once",
     .args = {AUDIENCE},
     .options = {BECAUSE},
     .control = "peer.remove"},
    {.words = "peer vouch",
     .summary = "let a partner get what origins signed",
     .help =
         "With each object goes what the node where it entered signed: this node of what entered here, "
         "others "
         "of\n"
         "what is passed on. Whoever gets it by a third node knows that nothing was changed on the way. It "
         "names\n"
         "the origin, and how far it lets the object go on: so nobody gets it before this is said of him.",
     .args = {AUDIENCE},
     .options = {{"stop", CLI_FLAG, "stop", NULL, "not any more"}, BECAUSE},
     .control = "peer.vouch"},
    {.words = "peer reconcile",
     .summary = "is what a partner gave still here? What is lost is fetched again",
     .help =
         "Compares what is held of the partner's ledger with what it gives now, by sums, and fetches what "
         "is\n"
         "missing, with proof. The partner learns nothing but what is fetched. Runs by itself once a day.",
     .args = {AUDIENCE},
     .control = "peer.reconcile"},
    {.words = "peer evidence",
     .summary = "why a link stands still: what is held, and what contradicts it",
     .args = {AUDIENCE},
     .control = "peer.evidence"},
    {.words = "peer resume",
     .summary = "let a link go on that stands still",
     .help = "With --epoch the partner's ledger is followed anew, under that number, from its beginning: "
             "when its\n"
             "operators said, by telephone, that a backup came back. What came before stays.",
     .args = {AUDIENCE},
     .options = {{"epoch", CLI_TEXT, "epoch", "N", "the new epoch of its ledger, as its operators said it"},
                 BECAUSE},
     .control = "peer.resume"},
    {.words = "peer epoch",
     .summary = "begin the ledger for a partner anew, after a backup came back",
     .help =
         "Only when no newer copy of this node is to be found. The partner is paused: recalls, denials, "
         "stops\n"
         "and policies of after the backup are forgotten, and have to be said again. After `bongsu peer "
         "start`\n"
         "what it may have is released again; what it has of the ledger before stays with it, and cannot be\n"
         "recalled by this node any more. Its link stands still until its operators say `bongsu peer resume\n"
         "AUDIENCE --epoch N`.",
     .args = {AUDIENCE},
     .options = {{"epoch", CLI_TEXT, "epoch", "N", "the number; without it the next that nobody has seen"},
                 BECAUSE},
     .control = "peer.epoch"},
};
const struct cli_group cli_peer = GROUP(peer_rows);

/* --- policy --- */

#define POLICY_FILE                                                                                          \
    {                                                                                                        \
        "FILE", CLI_FILE, "text", NULL, "a policy; - is standard input"                                      \
    }
static const struct cli_command policy_rows[] = {
    {.words = "policy activate",
     .summary = "take a policy into force; a bad one changes nothing",
     .help =
         "Examples beside it (FILE with .expect) have to hold first: bongsu policy test. Where the policy "
         "in\n"
         "force says `activation by 2`, the new one waits for a second operator: bongsu policy pending "
         "prints\n"
         "it, bongsu policy confirm lets it come into force. Answers under way to partners are broken off\n"
         "then, and asked for again. What it denies and partners have is taken back: bongsu policy diff "
         "FILE\n"
         "says what, before.",
     .args = {POLICY_FILE},
     .options = {{"untested", CLI_FLAG, NULL, NULL, "although an example fails, --because of a reason"},
                 BECAUSE,
                 CLI_SIGNED},
     .control = "policy.activate",
     .run = run_policy_activate},
    {.words = "policy test",
     .summary = "decide the golden examples beside a policy, without a node",
     .help = "An example is an object, what a node would know of it, and what is expected for a partner:\n"
             "docs/protocol/POLICY.md section 10 has the form, share/default.expect has some. Exit status 1 "
             "when\n"
             "one is decided otherwise, or a line cannot be read.",
     .args = {POLICY_FILE},
     .many = true,
     .more = {"EXAMPLES", CLI_TEXT, NULL, NULL, "FILE with .expect in place of .policy, unless given"},
     .alone = true,
     .run = run_policy_test},
    {.words = "policy check",
     .summary = "look whether a policy is well formed, and means what it says",
     .help =
         "Warns, with line and column, of rules that never decide because another, or several together,\n"
         "always do before, that have ended, of plain releases that meet another's duties, of waits that\n"
         "another rule does not keep, of a basis asked for some partners and not for others, and of\n"
         "partners with names-in-texts any. Without --dir or BONGSU_DIR the text alone is looked at: names\n"
         "of partners, sources and nodes are compared with nothing then, and there is one partner more than\n"
         "it names.",
     .args = {POLICY_FILE},
     .control = "policy.check",
     .run = run_policy_check},
    {.words = "policy show",
     .summary = "print the policy in force",
     .control = "policy.show",
     .run = run_policy_show},
    {.words = "policy explain",
     .summary = "say why an object is released to a partner, or not",
     .args = {ID, AUDIENCE},
     .control = "policy.explain",
     .columns = {{"RULE", "rule"},
                 {"EFFECT", "effect"},
                 {"RESULT", "result"},
                 {"CONDITION", "condition"},
                 {"BECAUSE", "because"},
                 {"WAITS UNTIL", "waits_until"},
                 {"DUTIES", "duties"},
                 {"MATCHES IF", "matches_if"},
                 {"ENDS IF", "ends_if"}}},
    {.words = "policy diff",
     .summary = "what another policy would newly give out, in what form, and what it would take back",
     .help =
         "Counts for each partner, and a few examples of each kind: what would newly go out, be withdrawn,\n"
         "stay, or leave in another form (whole, with something taken out, under other duties); what waits\n"
         "and would be denied, what is denied and would wait. What names something that stays, stays with "
         "it;\n"
         "what has left and names something that is taken back stays where it is, and is counted. Budgets "
         "are\n"
         "not looked at: what one would make wait counts as newly going out. It can be broken off at any "
         "time.",
     .args = {POLICY_FILE},
     .options = {{"all", CLI_FLAG, "all", NULL, "every object, not only examples"}},
     .control = "policy.diff",
     .columns = {{"ID", "id"},
                 {"AUDIENCE", "audience"},
                 {"CHANGE", "change"},
                 {"NOW", "now"},
                 {"THEN", "then"},
                 {"FORM", "form"}}},
    {.words = "policy pending",
     .summary = "print the policy that waits for a second operator, and its digest",
     .control = "policy.pending"},
    {.words = "policy confirm",
     .summary = "agree to the policy that another operator activated: it comes into force",
     .help = "Refuses when another was proposed since: read it with bongsu policy pending.",
     .args = {{"DIGEST", CLI_TEXT, "digest", NULL, "SHA-256 of its text, or the first 8 digits or more"}},
     .options = {BECAUSE, CLI_SIGNED},
     .control = "policy.confirm"},
    {.words = "holds list",
     .summary = "what is held: since when, by which rule, until when, and what ends it",
     .help = "First what waits for a person, the longest waiting first; then what something else ends: a\n"
             "marking classified, an agreement renewed, a stop lifted.",
     .options = {{"audience", CLI_TEXT, "audience", "NAME", "only for this partner"}},
     .none = "Nothing is held here. What its time, how often it went, or a budget keeps is counted by "
             "`bongsu status rules AUDIENCE`.",
     .control = "holds.list",
     .columns = {{"NUMBER", "number"},
                 {"ID", "id"},
                 {"VERSION", "version"},
                 {"AUDIENCE", "audience"},
                 {"RULE", "rule"},
                 {"SINCE", "since"},
                 {"DEADLINE", "deadline"},
                 {"DEFAULT", "default"},
                 {"APPROVED BY", "approved_by"},
                 {"ENDED BY", "ended_by"}}},
    {.words = "holds show",
     .summary = "one of them: every rule that was tried, and what would let it go",
     .args = {ID, AUDIENCE},
     .control = "policy.explain",
     .columns = {{"RULE", "rule"}, {"EFFECT", "effect"}, {"RESULT", "result"}, {"BECAUSE", "because"}}},
    {.words = "holds approve",
     .summary = "let it go, as bongsu approve does",
     .args = {WAITING, AUDIENCE},
     .options = {OF_VERSION, BECAUSE, CLI_SIGNED},
     .control = "approve"},
    {.words = "holds deny",
     .summary = "never let this version go, as bongsu deny does",
     .args = {WAITING, AUDIENCE},
     .options = {OF_VERSION, BECAUSE},
     .control = "deny"},
    {.words = "approve",
     .summary = "let an object go that is held for a person",
     .args = {ID, AUDIENCE},
     .options = {OF_VERSION, BECAUSE, CLI_SIGNED},
     .control = "approve"},
    {.words = "deny",
     .summary = "never let this version of an object, nor one before it, go to a partner",
     .args = {ID, AUDIENCE},
     .options = {OF_VERSION, BECAUSE},
     .control = "deny"},
    {.words = "stop-release",
     .summary = "stop releasing: everything, or one partner, source or rule",
     .options = {{"partner", CLI_TEXT, "partner", "AUDIENCE", "only to this one"},
                 {"source", CLI_TEXT, "source", "NAME", "only from this one"},
                 {"rule", CLI_TEXT, "rule", "NAME", "only by this one"},
                 {"lift", CLI_FLAG, "lift", NULL, "go on instead"},
                 BECAUSE},
     .control = "stop-release"},
    {.words = "guard resume",
     .summary = "let pages go to a partner again that the guard held",
     .args = {AUDIENCE},
     .options = {BECAUSE},
     .control = "guard.resume"},
};
const struct cli_group cli_policy = GROUP(policy_rows);

/* --- quarantine --- */

#define NUMBER                                                                                               \
    {                                                                                                        \
        "NUMBER", CLI_TEXT, "number", NULL, "as listed"                                                      \
    }
static const struct cli_command quarantine_rows[] = {
    {.words = "quarantine list",
     .summary = "list what was refused",
     .options = {{"source", CLI_TEXT, "source", "NAME", "only of this source"},
                 {"reason", CLI_TEXT, "reason", "WORD", "only refused, conflict or piece"},
                 {"limit", CLI_TEXT, "limit", "N", "the newest so many"}},
     .none = "no entries in quarantine",
     .control = "quarantine.list",
     .columns = {{"NUMBER", "number"},
                 {"RECEIVED", "received"},
                 {"SOURCE", "source"},
                 {"REASON", "reason"},
                 {"CODE", "code"},
                 {"POINTER", "pointer"},
                 {"OFFSET", "offset"},
                 {"WHAT", "what"}}},
    {.words = "quarantine show",
     .summary = "one entry: what was wrong, and its bytes exactly as they came",
     .help =
         "The bytes go to standard output, everything else to standard error: quarantine show 7 > file.json",
     .args = {NUMBER},
     .control = "quarantine.show",
     .run = run_quarantine_show},
    {.words = "quarantine retry",
     .summary = "submit it again",
     .args = {NUMBER},
     .control = "quarantine.retry"},
    {.words = "quarantine drop",
     .summary = "close the entry",
     .args = {NUMBER},
     .options = {BECAUSE},
     .control = "quarantine.drop"},
};
const struct cli_group cli_quarantine = GROUP(quarantine_rows);

/* --- ledgers, objects --- */

/* Beside it stand the recalls, where the partner's node follows both. */
#define URGENT                                                                                               \
    {                                                                                                        \
        "urgent", CLI_FLAG, "urgent", NULL, "the urgent ledger, with what was called back"                   \
    }

static const struct cli_command ledger_rows[] = {
    {.words = "ledger show",
     .summary = "what was released to a partner, newest last",
     .args = {AUDIENCE},
     .options = {{"head", CLI_FLAG, "head", NULL, "size, root and receipts only"}, URGENT},
     .control = "ledger.show",
     .columns = {{"SEQ", "seq"},
                 {"TIME", "time"},
                 {"OP", "op"},
                 {"ID", "id"},
                 {"VERSION", "version"},
                 {"ABOUT", "about"},
                 {"ONWARD", "onward"}}},
    {.words = "ledger verify",
     .summary = "make every leaf again and compare",
     .args = {AUDIENCE},
     .options = {URGENT},
     .control = "ledger.verify"},
    {.words = "ledger prove",
     .summary = "prove that an object was released",
     .help =
         "With --out: a proof file (C2SP tlog-proof) that anybody with this node's card can verify:\n"
         "bongsu-verify proof --card kr.card FILE\n"
         "Where the partner has acknowledged the leaf, it holds his signature as well.\n"
         "What the object's origin signed stands in a file of its own, which the origin's card verifies:\n"
         "bongsu-verify voucher --card ORIGIN.card --object OBJECT VOUCHER",
     .args = {AUDIENCE, {"ID", CLI_TEXT, "id", NULL, "STIX identifier, or the number of a leaf"}},
     .options = {{"out", CLI_TEXT, NULL, "FILE",
                  "write the proof of the newest leaf there; - standard output"},
                 {"object", CLI_TEXT, NULL, "FILE", "and the exact bytes that were released there"},
                 {"voucher", CLI_TEXT, NULL, "FILE", "and what its origin signed there, if it went along"},
                 URGENT},
     .control = "ledger.prove",
     .columns = {{"SEQ", "seq"},
                 {"TIME", "time"},
                 {"OP", "op"},
                 {"TREE", "tree_size"},
                 {"LEAF", "leaf"},
                 {"ROOT", "root"}},
     .run = run_ledger_prove},
    {.words = "ledger open",
     .summary = "open to oversight why a leaf was written",
     .help =
         "Rule, digest of the policy, approver and source, as a proof file that verifies against the leaf:\n"
         "bongsu-verify proof --card kr.card FILE\n"
         "On what basis it was approved is the log's word beside it, for as long as the object is held.\n"
         "Never for the partner. Who opened what is in the log and in `bongsu access`.",
     .args = {AUDIENCE, {"SEQ", CLI_TEXT, "seq", NULL, "the leaf's number, from ledger show"}},
     .options = {BECAUSE,
                 {"out", CLI_TEXT, NULL, "FILE", "write the proof there; - standard output"},
                 URGENT},
     .control = "ledger.open",
     .columns = {{"SEQ", "seq"},
                 {"RULE", "rule"},
                 {"POLICY", "policy"},
                 {"APPROVER", "approver"},
                 {"BASIS", "basis"},
                 {"SOURCE", "source"},
                 {"LEAF", "leaf"}},
     .run = run_ledger_prove},
    {.words = "ledger export",
     .summary = "write a whole ledger to files",
     .help =
         "Leaves, openings, tiles, checkpoint and receipt, under their C2SP paths; no object, no reason.\n"
         "bongsu-verify ledger --card kr.card --card us.card DIR",
     .args = {AUDIENCE, {"DIR", CLI_TEXT, NULL, NULL, "a new directory"}},
     .options = {URGENT},
     .control = "ledger.export",
     .run = run_ledger_export},
    {.words = "ledger log",
     .summary = "show the log of the whole node, and who witnessed it",
     .help =
         "One entry at an interval, which tells nobody which partners there are or what went to them, until\n"
         "it is opened (ledger prove-log). Witnesses stand in bongsu.yaml; `vkey` is what their operators\n"
         "have to know. --anew begins another log, after a backup came back.",
     .options = {{"anew", CLI_FLAG, NULL, NULL, "begin another one, under the next epoch"}, BECAUSE},
     .control = "ledger.log",
     .columns = {{"WITNESS", "witness"},
                 {"COSIGNED", "cosigned"},
                 {"BEHIND", "behind"},
                 {"AT", "cosigned_at"},
                 {"TROUBLE", "trouble"}},
     .run = run_ledger_log},
    {.words = "ledger prove-log",
     .summary = "prove which checkpoint of a ledger stands in the log of the node",
     .help =
         "For the partner or an auditor, as a proof file (C2SP tlog-proof) with the witnesses' signatures:\n"
         "bongsu-verify proof --card kr.card --keys witnesses FILE",
     .args = {AUDIENCE},
     .options = {{"at", CLI_TEXT, "at", "N",
                  "by this entry of the log; without it the newest that was witnessed"},
                 {"out", CLI_TEXT, NULL, "FILE", "write the proof there; - standard output"},
                 {"checkpoint", CLI_TEXT, NULL, "FILE", "and the ledger's own signed checkpoint there"},
                 URGENT},
     .control = "ledger.prove-log",
     .columns = {{"ENTRY", "entry"},
                 {"TIME", "time"},
                 {"LEDGER", "ledger"},
                 {"SIZE", "ledger_size"},
                 {"ROOT", "ledger_root"},
                 {"TREE", "tree_size"}},
     .run = run_ledger_prove_log},
    {.words = "ledger verify-proof",
     .summary = "verify a proof file, without any node",
     .args = {{"FILE", CLI_TEXT, NULL, NULL, "from ledger prove --out; - is standard input"}},
     .options = {{"card", CLI_TEXT, NULL, "FILE", "card of the node that released"},
                 {"object", CLI_TEXT, NULL, "FILE", "also: are these the exact bytes that were released?"}},
     .run = run_ledger_verify_proof},
    {.words = "object show",
     .summary = "every copy that is held of an object",
     .args = {ID},
     .options = {{"raw", CLI_FLAG, NULL, NULL, "only the exact bytes of the newest"},
                 {"voucher", CLI_FLAG, NULL, NULL, "only what its origin signed, for bongsu-verify voucher"}},
     .control = "object.show",
     .columns = {{"LSN", "lsn"},
                 {"SOURCE", "source"},
                 {"RECEIVED", "received"},
                 {"NEWEST", "newest"},
                 {"ASSERTION", "assertion"},
                 {"QUARANTINED", "quarantined"},
                 {"BYTES", "bytes"}},
     .run = run_object_show},
};
const struct cli_group cli_ledger = GROUP(ledger_rows);

/* --- status --- */

static const struct cli_command status_rows[] = {
    {.words = "status",
     .summary = "how the node is, partner by partner",
     .options = {{"watch", CLI_FLAG, NULL, NULL, "again every second"}},
     .control = "status",
     .run = run_status,
     .columns = {{"AUDIENCE", "audience"},
                 {"STATE", "state"},
                 {"RELEASED", "released"},
                 {"HELD", "held"},
                 {"BLOCKED", "blocked"},
                 {"DENIED", "denied"},
                 {"LEDGER", "ledger_visible"},
                 {"RECEIPTED", "receipted"},
                 {"RECEIVED", "received"},
                 {"LINK", "link"},
                 {"P99 US", "latency_p99_us"}}},
    {.words = "status rules",
     .summary = "what each rule withholds from a partner",
     .args = {AUDIENCE},
     .control = "status.rules",
     .columns = {{"RULE", "rule"}, {"EFFECT", "effect"}, {"OBJECTS", "objects"}}},
    {.words = "check", .summary = "look at every frame, index entry and root", .control = "check"},
};
const struct cli_group cli_status = GROUP(status_rows);

/* --- TAXII --- */

static const struct cli_command taxii_rows[] = {
    {.words = "taxii add",
     .summary = "add or change an identity of the TAXII server",
     .args = {{"NAME", CLI_TEXT, "name", NULL, "also the user name of Basic"}},
     .options = {{"audience", CLI_TEXT, "audience", "NAME", "the view that it reads"},
                 {"source", CLI_TEXT, "source", "NAME", "what it submits as; default: the audience's own"},
                 {"strict", CLI_FLAG, "strict", NULL, "may send only what the standard allows"},
                 {"read", CLI_FLAG, "read", NULL, "may read (without any of the three: all)"},
                 {"submit", CLI_FLAG, "submit", NULL, "may submit"},
                 {"workspace", CLI_FLAG, "workspace", NULL, "has a workspace"},
                 {"password-file", CLI_FILE, "password", "FILE", "set its password, 12 to 256 bytes"},
                 {"token", CLI_FLAG, "token", NULL, "make a bearer token and show it once"},
                 {"certificate", CLI_TEXT, "certificate", "HEX", "key of its client certificate"},
                 BECAUSE},
     .control = "taxii.add",
     .columns = {{"NAME", "name"},
                 {"AUDIENCE", "audience"},
                 {"SOURCE", "source"},
                 {"READS", "reads"},
                 {"SUBMITS", "submits"},
                 {"WORKSPACE", "workspace"},
                 {"PASSWORD", "password"},
                 {"TOKEN", "token"},
                 {"CERTIFICATE", "certificate"}}},
    {.words = "taxii list",
     .summary = "list the identities",
     .none = "no identities of TAXII clients (bongsu taxii add)",
     .control = "taxii.list",
     .columns = {{"NAME", "name"},
                 {"AUDIENCE", "audience"},
                 {"SOURCE", "source"},
                 {"READS", "reads"},
                 {"SUBMITS", "submits"},
                 {"WORKSPACE", "workspace"},
                 {"PASSWORD", "password"},
                 {"TOKEN", "token"},
                 {"CERTIFICATE", "certificate"}}},
    {.words = "taxii limit",
     .summary = "limit how much an identity may ask for and send",
     .help = "What is not given stays; 0 stands for what goes without saying (60,000 requests a minute,\n"
             "10,000,000 objects a day). Beyond a limit the answer is 429, with Retry-After.",
     .args = {{"NAME", CLI_TEXT, "name", NULL, "its name"}},
     .options = {{"requests", CLI_TEXT, "requests", "NUMBER", "requests a minute"},
                 {"objects", CLI_TEXT, "objects", "NUMBER", "objects submitted a day"},
                 BECAUSE},
     .control = "taxii.limit",
     .columns = {{"NAME", "name"},
                 {"REQUESTS A MINUTE", "requests_a_minute"},
                 {"OBJECTS A DAY", "objects_a_day"}}},
    {.words = "taxii remove",
     .summary = "remove an identity",
     .args = {{"NAME", CLI_TEXT, "name", NULL, "its name"}},
     .options = {BECAUSE},
     .control = "taxii.remove"},
    {.words = "access",
     .summary = "show who read or sent what by TAXII, oldest first",
     .help =
         "Requests of people that nobody knows are only counted, by status. A line with BY edge stands for\n"
         "so many requests within a second that got the same page.",
     .options = {{"identity", CLI_TEXT, "identity", "NAME", "only this one's requests"},
                 {"since", CLI_TEXT, "since", "TIME", "2026-11-22 or 2026-11-22T12:00:00Z"},
                 {"collection", CLI_TEXT, "collection", "NAME", "release, inbox or workspace"},
                 {"audience", CLI_TEXT, "audience", "NAME", "whose view, or which source"},
                 {"limit", CLI_TEXT, "limit", "NUMBER", "the newest so many lines; default 1000"}},
     .none = "no such requests are recorded",
     .control = "access",
     .columns = {{"TIME", "time"},
                 {"WHO", "who"},
                 {"METHOD", "method"},
                 {"WHAT", "what"},
                 {"COLLECTION", "collection"},
                 {"AUDIENCE", "audience"},
                 {"SOURCE", "source"},
                 {"STATUS", "status"},
                 {"REQUESTS", "requests"},
                 {"OBJECTS", "objects"},
                 {"BYTES", "bytes"},
                 {"BY", "by"}}},
};
const struct cli_group cli_taxii = GROUP(taxii_rows);

/* --- feeds --- */

#define FEED_NAME                                                                                            \
    {                                                                                                        \
        "NAME", CLI_TEXT, "name", NULL, "its name"                                                           \
    }
#define FEED_COLUMNS                                                                                         \
    {                                                                                                        \
        {"NAME", "name"}, {"KIND", "kind"}, {"STATE", "state"}, {"LAST", "last"}, {"NEXT", "next"},          \
            {"NEW", "new"}, {"DUPLICATE", "duplicate"}, {"REFUSED", "refused"}, {"ECHO", "echo"},            \
            {"PUSHED", "pushed"}, {"FAILED", "failed"}, {"TAKEN BACK", "taken_back"}, {"CUT", "cut"},        \
            {"TROUBLE", "trouble"}, {"WHAT NEXT", "what_next"},                                              \
    }
static const struct cli_command feed_rows[] = {
    {.words = "feed add",
     .summary = "declare a feed, or change what is declared",
     .help = "Kinds: taxii21, taxii20, opencti, misp, stix, csv, list; taxii21-push gives what an audience's "
             "release\n"
             "view shows to a collection. Credentials go into the node's directory\n"
             "feeds and nowhere else; given again without any, those given before stay.",
     .args = {{"NAME", CLI_TEXT, "name", NULL, "also of its source, without --source"}},
     .options = {{"kind", CLI_TEXT, "kind", "KIND", "how its server is asked"},
                 {"url", CLI_TEXT, "url", "URL",
                  "https://..., of a collection, a stream, a folder or a file"},
                 {"every", CLI_TEXT, "every", "15m", "how often: 30s, 15m, 2h, 1d"},
                 {"source", CLI_TEXT, "source", "NAME", "the source that it delivers as"},
                 {"collection", CLI_TEXT, "collection", "ID",
                  "taxii: the URL is an API root, this its collection"},
                 {"audience", CLI_TEXT, "audience", "NAME", "taxii21-push: whose release view"},
                 {"partner", CLI_TEXT, "partner", "NAME",
                  "whose server it is (peer add-taxii): his source, or his view"},
                 {"limit", CLI_TEXT, "limit", "N", "taxii: objects a page, or an envelope"},
                 {"from", CLI_TEXT, "from", "TIME", "taxii, opencti: leave out what is older"},
                 {"delete", CLI_FLAG, "delete", NULL,
                  "taxii21-push: delete there what is taken back, where the server lets us"},
                 {"map", CLI_TEXT, "map", "TEXT", "csv, list: as of bongsu add --map"},
                 {"least", CLI_TEXT, "least", "N",
                  "csv, list: fewer values than this are not believed; else half of the last"},
                 FEED_CREDENTIALS,
                 BECAUSE},
     .control = "feed.add"},
    {.words = "feed list",
     .summary = "list the feeds and how they go",
     .none = "no feeds (bongsu feed add)",
     .control = "feed.list",
     .columns = FEED_COLUMNS},
    {.words = "feed show",
     .summary = "one feed: all that is known of it (with --json)",
     .args = {FEED_NAME},
     .control = "feed.show",
     .columns = FEED_COLUMNS,
     .run = run_feed_show},
    {.words = "feed run", .summary = "run it now", .args = {FEED_NAME}, .control = "feed.run"},
    {.words = "feed pause",
     .summary = "stop it for now",
     .args = {FEED_NAME},
     .options = {BECAUSE},
     .control = "feed.pause"},
    {.words = "feed resume",
     .summary = "let it go on",
     .args = {FEED_NAME},
     .options = {BECAUSE},
     .control = "feed.resume"},
    {.words = "feed remove",
     .summary = "forget it and its credentials; what it brought stays",
     .args = {FEED_NAME},
     .options = {BECAUSE},
     .control = "feed.remove"},
};
const struct cli_group cli_feed = GROUP(feed_rows);

/* --- searching --- */

#define FILTERS                                                                                              \
    CLI_CONDITIONS,                                                                                          \
        {"all", CLI_FLAG, "all", NULL, "also what is no longer, or never was, its owner's word"},            \
        {"limit", CLI_TEXT, "limit", "N", "at most so many"},                                                \
    {                                                                                                        \
        "format", CLI_TEXT, NULL, "FORMAT", "table, lines, bundle, csv, original or json"                    \
    }

#define FOUND_COLUMNS                                                                                        \
    {"TYPE", "type"}, {"NAME", "name"}, {"ID", "id"}, {"SOURCES", "sources"}, {"MARKING", "marking"},        \
        {"STATE", "state"},                                                                                  \
    {                                                                                                        \
        "RECEIVED", "received"                                                                               \
    }

static const struct cli_command find_rows[] = {
    {.words = "find",
     .summary = "find objects by what they hold; the newest first, 100 of them without --limit",
     .help =
         "A VALUE is an address (networks around it included), a network (what lies in and around it), a\n"
         "domain, .domain for all below it, a hash of any algorithm, CVE-2024-3094, CVE-2024-*, or any\n"
         "name or value as it stands. Several: any of them. All options must hold.",
     .many = true,
     .rest = "values",
     .options = {FILTERS,
                 {"oldest", CLI_FLAG, "oldest", NULL, "the oldest first"},
                 {"wait", CLI_FLAG, "wait", NULL, "until the search file knows everything"}},
     .control = "find",
     .columns = {FOUND_COLUMNS},
     .run = run_find},
    {.words = "export",
     .summary = "write out all objects that find would find, whatever their number",
     .help = "Lines (an object each) in the order of arrival, unless --format says otherwise.",
     .many = true,
     .rest = "values",
     .options = {FILTERS},
     .control = "find",
     .columns = {FOUND_COLUMNS},
     .run = run_export},
    {.words = "get",
     .summary = "show an object: the newest version, or those asked for",
     .help =
         "The identifier that a partner has of an object that left changed stands for that object, which\n"
         "is said; so in versions, diff, graph, policy explain, approve, tag, recall and ledger prove.",
     .args = {ID},
     .options = {{"version", CLI_TEXT, "version", "TIME", "the version of this modified time"},
                 {"source", CLI_TEXT, "source", "NAME", "as this source brought it"},
                 {"all", CLI_FLAG, "all", NULL, "every copy that is held"},
                 {"lang", CLI_TEXT, NULL, "TAG", "for reading: with its translation, such as ko"},
                 {"format", CLI_TEXT, NULL, "FORMAT", "json (laid out), or original (exact bytes)"}},
     .control = "get",
     .run = run_get},
    {.words = "versions",
     .summary = "list the versions and variants of an object",
     .args = {ID},
     .control = "versions",
     .columns = {{"LSN", "lsn"},
                 {"VERSION", "version"},
                 {"SOURCE", "source"},
                 {"RECEIVED", "received"},
                 {"NEWEST", "newest"},
                 {"CURRENT", "current"},
                 {"ASSERTION", "assertion"},
                 {"QUARANTINED", "quarantined"},
                 {"BYTES", "bytes"}}},
    {.words = "diff",
     .summary = "what differs between two copies of an object, property by property",
     .help = "Without A and B: the last two. Each is an LSN, a version's time, or a source, as in versions.",
     .args = {ID},
     .many = true,
     .control = "get",
     .run = run_diff},
    {.words = "graph",
     .summary = "what surrounds an object: references in both directions",
     .args = {ID},
     .options = {{"depth", CLI_TEXT, "depth", "N", "steps outwards; 1 when not given"},
                 {"all", CLI_FLAG, "all", NULL, "also through markings and creators"},
                 {"format", CLI_TEXT, NULL, "FORMAT", "table, lines, bundle, or dot for Graphviz"}},
     .control = "graph",
     .run = run_graph},
    {.words = "report quality",
     .summary = "what each source was worth, week by week",
     .help =
         "DELAY, BEHIND: median / 90 of 100. DELAY: arrival after modified (or created). BEHIND: after the\n"
         "source that brought the same first. UNMARKED: share without a marking of its own. SAFETY: with\n"
         "a value that is on a list of `bongsu list`. --format csv and --json have all counts; bongsu(1)\n"
         "explains them.",
     .options = {{"source", CLI_TEXT, "source", "NAME", "only this one"},
                 {"since", CLI_TEXT, "since", "TIME", "from the week of this day or time on"},
                 {"weeks", CLI_TEXT, "weeks", "N", "so many weeks, this one included; 12 when not given"},
                 {"format", CLI_TEXT, NULL, "FORMAT", "table or csv"}},
     .control = "report.quality",
     .columns = {{"SOURCE", "source"},
                 {"WEEK", "week"},
                 {"NEW", "objects"},
                 {"VERSIONS", "versions"},
                 {"HAD", "duplicates"},
                 {"CONFLICTS", "conflicts"},
                 {"REFUSED", "refused"},
                 {"DELAY", "delay"},
                 {"BEHIND", "behind"},
                 {"OPINIONS", "opinions_about"},
                 {"SIGHTINGS", "sightings_about"},
                 {"UNMARKED", "unmarked_share"},
                 {"SAFETY", "safety"}},
     .run = run_report},
};
const struct cli_group cli_find = GROUP(find_rows);
