# shellcheck shell=bash disable=SC2154
# image, checksum, block map, list of packages
stem=${output%.xz}
bmaptool -q create -o "${stem%.img}.bmap" "$image"
cp "$work/packages" "${stem%.img}.packages"
if [ "${output%.xz}" = "$output" ]; then
  cp --sparse=always "$image" "$output"
else
  # With + and a limit of its own: whatever cores and memory there are, the same file.
  xz -T"+$(nproc)" --memlimit-compress=100% --no-adjust ${quick:+-0} -c "$image" >"$output.new"
  mv "$output.new" "$output"
fi
(cd "$(dirname "$output")" && sha256sum "$(basename "$output")" >"$(basename "${stem%.img}").sha256")
