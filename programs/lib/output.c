/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <stdio_ext.h>

void cli_discard(FILE *out)
{
    __fpurge(out);
    clearerr(out);
}

int cli_flush(FILE *out)
{
    bool failed = ferror(out) != 0;
    errno = 0;
    if (fflush(out) == 0 && !failed)
        return 0;
    int err = errno != 0 ? -errno : -EIO;
    cli_discard(out);
    return err;
}

bool cli_flush_stdout(FILE *out, FILE *err, const char *program)
{
    int failed = cli_flush(out);
    if (failed == 0)
        return true;
    fprintf(err, "%s: cannot write to standard output: %s\n", program, weft_strerror(failed));
    return false;
}
