#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build.sh SOURCE.tar.gz FOLDER: makes the Debian source package and the binary packages of a tarball in FOLDER,
# in place of those that are there, and has lintian judge them.
set -euo pipefail
tarball=$(realpath "$1")
cd "$2"
name=$(basename "$tarball" .tar.gz) # weft-VERSION
version=${name#weft-}
rm -rf "$name" ./*.deb ./weft_*

tar -xzf "$tarball"
cp "$tarball" "weft_$version.orig.tar.gz"
cp -r "$name/packages/debian" "$name/debian"
(cd "$name" && dpkg-buildpackage --unsigned-source --unsigned-changes)
lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs --info ./*.changes
