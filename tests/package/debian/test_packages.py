# SPDX-License-Identifier: MIT
"""test_packages.py PACKAGES BASE WORK: installs the Debian packages of a folder on a fresh Debian 12, uses them and
removes them again. BASE is the archive of that Debian, which is made if it is not there."""
import glob
import os
import subprocess
import sys

from machine import Machine, make_base, run


def package(folder, name):
    return glob.glob(os.path.join(folder, f"{name}_*.deb"))[0]


def check(held, what):
    if not held:
        raise SystemExit(f"test_packages: {what}")
    print(f"ok  {what}")


def check_server(machine):
    passwd = machine.run(["getent", "passwd", "kvs"]).split(":")
    check(passwd[5] == "/var/lib/kvs" and passwd[6].strip().endswith("nologin"),
          "kvs has a user that cannot log in")
    place = os.stat(machine.path("/var/lib/kvs"))
    check(place.st_uid == int(passwd[2]) and place.st_mode & 0o777 == 0o700,
          "/var/lib/kvs is that user's alone")
    for name in ("/usr/share/man/man1/kvs.1.gz", "/usr/share/man/man1/kvc.1.gz",
                 "/usr/share/bash-completion/completions/kvs", "/usr/share/zsh/vendor-completions/_kvc",
                 "/usr/share/fish/vendor_completions.d/kvc.fish"):
        check(os.path.exists(machine.path(name)), f"there is {name}")


def check_service(machine):
    units = "/lib/systemd/system"
    check(os.path.islink(machine.path("/etc/systemd/system/multi-user.target.wants/kvs.service")),
          "the service is enabled")
    check(not os.path.lexists(machine.path("/etc/systemd/system/sockets.target.wants/kvs.socket"))
          and os.path.exists(machine.path(f"{units}/kvs.socket")), "its socket unit is there, and not enabled")
    run(["systemd-analyze", "security", "--offline=true", "--threshold=15", machine.path(f"{units}/kvs.service")])
    print("ok  its exposure is at most 1.5")
    checked = machine.run(["kvs", "--config", "/etc/weft/kvs.conf", "--print-config"], user="kvs:kvs")
    check("store memory:/var/lib/kvs" in checked and "codec=auto" in checked, "its configuration is read")
    logs = os.stat(machine.path("/var/log/kvs"))
    check(logs.st_mode & 0o777 == 0o750 and logs.st_uid != 0, "there is a folder for its logs")
    check(os.path.exists(machine.path("/etc/logrotate.d/kvs")), "which logrotate(8) keeps small")


def check_removal(machine):
    """A removal keeps what an administrator has written, and the data."""
    machine.run(["apt-get", "-q", "-y", "remove", "kvs"])
    check(os.path.exists(machine.path("/etc/weft/kvs.conf")) and os.path.exists(machine.path("/var/lib/kvs")),
          "a removal leaves the configuration and the data")


def check_session(machine):
    """The packages' own test, as the server's user."""
    machine.copy([os.path.join(os.path.dirname(__file__), "../../../packages/debian/tests/session")], "/opt")
    os.chmod(machine.path("/opt/session"), 0o755)
    machine.run(["sh", "-c", "cd /var/lib/kvs && AUTOPKGTEST_TMP=/var/lib/kvs /opt/session"], user="kvs:kvs")
    print("ok  a value that was set is there after a restart, and kvs drains")


def check_development(machine, folder, work):
    """Builds an example with the compiler here and the files of the development package, and runs it there."""
    prefix = os.path.join(work, "prefix")
    for name in ("libweft0", "libweft-disk0", "libweft-dev"):
        run(["dpkg-deb", "-x", package(folder, name), prefix])
    libraries = glob.glob(os.path.join(prefix, "usr/lib/*/pkgconfig"))[0]
    environment = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=prefix, PKG_CONFIG_PATH=libraries)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "weft", "weft-codecs"], env=environment, check=True,
                           capture_output=True, text=True).stdout.split()
    source = glob.glob(os.path.join(prefix, "usr/share/doc/libweft-dev/examples/service/wc_server.c*"))[0]
    if source.endswith(".gz"):
        run(["gunzip", source])
        source = source[:-3]
    program = machine.path("/usr/local/bin/wc_server")
    run(["gcc", "-std=c17", "-D_GNU_SOURCE", source, "-o", program, *flags])
    packages = machine.copy([package(folder, "libweft0")], "/opt")
    machine.run(["apt-get", "-q", "-y", "--no-install-recommends", "install", *packages])
    check("not found" not in machine.run(["ldd", "/usr/local/bin/wc_server"]),
          "an example built with libweft-dev runs with libweft0 alone")


def check_purge(machine):
    machine.run(["apt-get", "-q", "-y", "purge", "kvs", "kvc", "libweft0"])
    machine.run(["rm", "-rf", "/opt", "/usr/local/bin/wc_server"])
    left = machine.run(["find", "/", "-xdev", "(", "-name", "*kvs*", "-o", "-name", "kvc*", "-o", "-name", "*weft*", ")",
                        "-not", "-path", "/proc/*", "-not", "-path", "/sys/*"]).split()
    check(left == [], f"nothing is left after a purge {left}")


def main():
    folder, base, work = sys.argv[1:]
    make_base(base)
    machine = Machine(base, os.path.join(work, "fresh"))
    try:
        machine.update()
        packages = machine.copy([package(folder, "kvs"), package(folder, "kvc")], "/opt")
        machine.run(["apt-get", "-q", "-y", "--no-install-recommends", "install", *packages])
        check_server(machine)
        check_service(machine)
        check_session(machine)
        check_development(machine, folder, work)
        check_removal(machine)
        check_purge(machine)
    finally:
        machine.remove()


main()
