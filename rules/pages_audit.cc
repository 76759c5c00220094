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

}  // namespace lre_audit::page
