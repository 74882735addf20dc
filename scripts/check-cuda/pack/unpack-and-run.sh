#!/bin/sh
# Unpacks what lies beside it into a folder of its own and checks torchgraft there, with the options of check:cuda.
# CHECK_CUDA_FOLDER names the folder: one that is there already is used again, with what was built in it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${CHECK_CUDA_FOLDER:-$(mktemp -d)}
mkdir -p "$folder/bin"
echo "unpacking into $folder"
# Side by side: node and the modules take seconds each.
tar -xJf "$here/node.tar.xz" -C "$folder/bin" & node=$!
tar -xJf "$here/modules.tar.xz" -C "$folder" & modules=$!
tar -xJf "$here/sources.tar.xz" -C "$folder" & sources=$!
wait $node && wait $modules && wait $sources || { echo "it could not be unpacked: is there an xz, and room in $folder?" >&2; exit 1; }
cd "$folder"
PATH="$folder/bin:$PATH"
export PATH
exec node scripts/check-cuda.mjs "$@"
