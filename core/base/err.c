/* SPDX-License-Identifier: MIT */
#include "err.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The C library has names and texts for these, but only glibc since 2.32 gives them without a buffer
 * or a locale. */
/* clang-format off */
#define ERRNO_MAP(X)                                                                               \
    X(EPERM) X(ENOENT) X(ESRCH) X(EINTR) X(EIO) X(ENXIO) X(E2BIG) X(ENOEXEC) X(EBADF) X(ECHILD)    \
    X(EAGAIN) X(ENOMEM) X(EACCES) X(EFAULT) X(ENOTBLK) X(EBUSY) X(EEXIST) X(EXDEV) X(ENODEV)       \
    X(ENOTDIR) X(EISDIR) X(EINVAL) X(ENFILE) X(EMFILE) X(ENOTTY) X(ETXTBSY) X(EFBIG) X(ENOSPC)     \
    X(ESPIPE) X(EROFS) X(EMLINK) X(EPIPE) X(EDOM) X(ERANGE) X(EDEADLK) X(ENAMETOOLONG) X(ENOLCK)   \
    X(ENOSYS) X(ENOTEMPTY) X(ELOOP) X(ENOMSG) X(EIDRM) X(ECHRNG) X(EL2NSYNC) X(EL3HLT) X(EL3RST)   \
    X(ELNRNG) X(EUNATCH) X(ENOCSI) X(EL2HLT) X(EBADE) X(EBADR) X(EXFULL) X(ENOANO) X(EBADRQC)      \
    X(EBADSLT) X(EBFONT) X(ENOSTR) X(ENODATA) X(ETIME) X(ENOSR) X(ENONET) X(ENOPKG) X(EREMOTE)     \
    X(ENOLINK) X(EADV) X(ESRMNT) X(ECOMM) X(EPROTO) X(EMULTIHOP) X(EDOTDOT) X(EBADMSG)             \
    X(EOVERFLOW) X(ENOTUNIQ) X(EBADFD) X(EREMCHG) X(ELIBACC) X(ELIBBAD) X(ELIBSCN) X(ELIBMAX)      \
    X(ELIBEXEC) X(EILSEQ) X(ERESTART) X(ESTRPIPE) X(EUSERS) X(ENOTSOCK) X(EDESTADDRREQ)            \
    X(EMSGSIZE) X(EPROTOTYPE) X(ENOPROTOOPT) X(EPROTONOSUPPORT) X(ESOCKTNOSUPPORT) X(EOPNOTSUPP)   \
    X(EPFNOSUPPORT) X(EAFNOSUPPORT) X(EADDRINUSE) X(EADDRNOTAVAIL) X(ENETDOWN) X(ENETUNREACH)      \
    X(ENETRESET) X(ECONNABORTED) X(ECONNRESET) X(ENOBUFS) X(EISCONN) X(ENOTCONN) X(ESHUTDOWN)      \
    X(ETOOMANYREFS) X(ETIMEDOUT) X(ECONNREFUSED) X(EHOSTDOWN) X(EHOSTUNREACH) X(EALREADY)          \
    X(EINPROGRESS) X(ESTALE) X(EUCLEAN) X(ENOTNAM) X(ENAVAIL) X(EISNAM) X(EREMOTEIO) X(EDQUOT)     \
    X(ENOMEDIUM) X(EMEDIUMTYPE) X(ECANCELED) X(ENOKEY) X(EKEYEXPIRED) X(EKEYREVOKED)               \
    X(EKEYREJECTED) X(EOWNERDEAD) X(ENOTRECOVERABLE) X(ERFKILL) X(EHWPOISON)
/* clang-format on */

#ifndef WEFT_HAS_STRERRORDESC
#ifdef __GLIBC_PREREQ
#if __GLIBC_PREREQ(2, 32)
#define WEFT_HAS_STRERRORDESC 1
#endif
#endif
#endif
#ifndef WEFT_HAS_STRERRORDESC
#define WEFT_HAS_STRERRORDESC 0
#endif

static const char *errno_name(int number)
{
    switch (number) {
#define X(name)                                                                                    \
    case name:                                                                                     \
        return #name;
        ERRNO_MAP(X)
#undef X
    default:
        return NULL;
    }
}

static const char *errno_text(int number)
{
#if WEFT_HAS_STRERRORDESC
    return strerrordesc_np(number);
#else
    /* For a known error strerror returns a constant, so threads do not meet in a buffer. */
    return number == 0 || errno_name(number) ? strerror(number) : NULL;
#endif
}

const char *weft_strerror(int err)
{
    switch (err) {
#define X(name, value, text)                                                                       \
    case name:                                                                                     \
        return text;
        WEFT_ERROR_MAP(X)
#undef X
    default:
        break;
    }

    const char *text = err <= 0 && err > INT_MIN ? errno_text(-err) : NULL;
    return text ? text : "unknown error";
}

const char *weft_errname(int err)
{
    switch (err) {
#define X(name, value, text)                                                                       \
    case name:                                                                                     \
        return #name;
        WEFT_ERROR_MAP(X)
#undef X
    default:
        break;
    }

    const char *name = err < 0 && err > INT_MIN ? errno_name(-err) : NULL;
    return name ? name : "unknown";
}

int weft_error_set(struct weft_error *error, int code, const char *fmt, ...)
{
    if (!error)
        return code;

    error->code = code;
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(error->text, sizeof error->text, fmt, args) < 0)
        error->text[0] = '\0';
    va_end(args);

    /* Texts quote what a user wrote, and must stay one line whatever that is. */
    for (char *p = error->text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = '?';
    }
    return code;
}
