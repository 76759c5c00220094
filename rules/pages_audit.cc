// Pages of LRE9xx.
#include "rules/pages.h"

namespace lre_audit::page {

const char kLre901[] =
    R"(Something that was asked for could not be read: a layer is truncated, a file cannot be
opened, a manifest or archive is malformed. The rest was audited.

Why it matters: nothing is known about what was not read, so the tree may not be
called clean. The exit code is 3 whatever else was found, and no policy can allow
or suppress it.

    error[LRE901]: gzip: the stream ends before its trailer
      --> layer 2
       |  at 0x7f3a10

To fix it: look at the place and the offset. Fetch the input again, give the audit
the right to read it, or leave it out of what is asked for.
)";

const char kLre902[] =
    R"(A limit stopped the reading: too many entries, too many bytes from one compressed
layer, too deep a nesting. What came before was audited.

Why it matters: the limits keep a hostile image from exhausting memory or time. Beyond
them nothing is known, so the exit code is 3, and no policy can allow or suppress
it.

    error[LRE902]: layer: more than 4000000 entries
      --> layer 2
       |  at 0x7f3a10

To fix it: no honest image was seen near the limits. Find out what the input is; if it
is honest, please report it with the message.
)";

const char kLre903[] =
    R"(A suppression of the policy matches no finding of this audit.

Why it matters: what it once hid is gone, and the suppression is still there: it will
hide the next leak that happens to match it, and nobody will have looked at that
one. The warning needs all subjects of the policy, so only "lre-audit check" gives
it.

    warning[LRE903]: a suppression matches nothing
      --> lre-audit.textproto:14:1
       |  suppress LRE103, path ".*-make-4.3/.*"
       = note: its owner is build-team, its reason was: waits for issue 7

To fix it: remove the entry. If the finding has only moved (another file, another
version of the package), give the pattern anew.
)";

const char kLre904[] =
    R"(A suppression of the policy is past its date. It holds until the end of the day in
"expires", UTC; since then the findings that it hid count again.

Why it matters: a suppression with a date is a promise to look at it again. The error
says that the date has come, who answers for it, and how many findings are back, so
that nobody has to guess why an audit of an unchanged toolchain fails.

    error[LRE904]: the suppression by build-team ended on 2026-10-31, and 2 findings that it hid count again
      --> lre-audit.textproto:14:1
       |  suppress LRE103, path ".*-make-4.3/.*"
       = note: its owner is build-team, its reason was: waits for issue 7

To fix it: repair what it hid and remove the entry, or agree on another date with its
owner. --now asks what another day would say.
)";

}  // namespace lre_audit::page
