# SPDX-License-Identifier: MIT
"""A Debian 12 of packages alone, in a folder: what a program needs and does not bring shows there. Needs root."""
import glob
import os
import shutil
import subprocess


def run(command, **more):
    """Runs a command and returns what it printed. Its failure ends the test and shows what it said."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def make_base(archive):
    """Makes the archive of a minimal Debian 12, once."""
    if os.path.exists(archive):
        return
    command = ["mmdebstrap", "--variant=minbase", '--aptopt=Acquire::Retries "5"', "bookworm", archive + ".part.tar"]
    for _ in range(2):
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            break
    else:
        run(command)
    os.rename(archive + ".part.tar", archive)


class Machine:
    def __init__(self, base, root):
        self.root = root
        shutil.rmtree(root, ignore_errors=True)
        os.makedirs(root)
        run(["tar", "-xf", base, "-C", root])
        shutil.copy("/etc/resolv.conf", os.path.join(root, "etc/resolv.conf"))
        with open(os.path.join(root, "etc/apt/apt.conf.d/retries"), "w", encoding="utf-8") as file:
            file.write('Acquire::Retries "5";\n')

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def copy(self, patterns, folder):
        """Copies files of the host into a folder that is made. Returns their names there."""
        os.makedirs(self.path(folder), exist_ok=True)
        names = []
        for pattern in patterns:
            found = sorted(glob.glob(pattern))
            if not found:
                raise SystemExit(f"{pattern}: there is no such file")
            for name in found:
                shutil.copy(name, self.path(folder))
                names.append(os.path.join(folder, os.path.basename(name)))
        return names

    def inside(self, command, user=None):
        as_user = [f"--userspec={user}"] if user else []
        return ["chroot", *as_user, self.root, *command]

    def run(self, command, user=None):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        return run(self.inside(command, user), env=environment)

    def update(self):
        """Reads the lists of packages; a name server under load may need to be asked again."""
        command = ["apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update"]
        for _ in range(4):
            if subprocess.run(self.inside(command), capture_output=True, check=False).returncode == 0:
                return
        self.run(command)

    def remove(self):
        shutil.rmtree(self.root)
