#!/bin/sh
# Builds the executable, and of it the container image dozo:VERSION (and dozo:latest). Needs docker, and its daemon running.
set -eu
cd "$(dirname "$0")/.."
docker=${DOCKER:-docker}
if ! command -v "$docker" >/dev/null || ! "$docker" info >/dev/null 2>&1; then
  echo "dozo: $docker does not reach its daemon: start it (sudo systemctl start docker), or run this with sudo" >&2
  exit 1
fi
npm run --silent build
version=$(./dist/dozo version | cut -d ' ' -f 2)
stage=dist/image
rm -rf "$stage"
mkdir -p "$stage/root/usr/local/bin" "$stage/root/etc" "$stage/root/tmp" "$stage/data"
chmod 1777 "$stage/root/tmp"
chmod 700 "$stage/data"
cp dist/dozo "$stage/root/usr/local/bin/dozo"
# Each library at the very path where the loader looks for it, the loader itself among them.
ldd dist/dozo | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$stage/root$(dirname "$library")"
  cp -L "$library" "$stage/root$library"
done
echo 'dozo:x:65532:65532:dozo:/data:/sbin/nologin' > "$stage/root/etc/passwd"
echo 'dozo:x:65532:' > "$stage/root/etc/group"
cp Dockerfile "$stage/Dockerfile"
"$docker" build --quiet --tag "dozo:$version" --tag dozo:latest "$stage"
rm -rf "$stage"
echo "dozo:$version is built. Run it: docker run -d -p 5000:5000 -v dozo:/data -e DOZO_HOSTS=\$(hostname -f) dozo"
