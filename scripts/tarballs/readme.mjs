/** Relative links of a README point into the repository, which is not in the tarball: there they are absolute. */
export function publishedReadme(text, { repository, version }) {
  const address = repository.url.replace(/^git\+|\.git$/g, '');
  return text.replace(/\]\((?!https?:|#|mailto:)([^)\s]+)\)/g, (_, path) => {
    const kind = /\.(svg|png|gif|webp)$/.test(path) ? 'raw' : 'blob';
    return `](${address}/${kind}/v${version}/${path})`;
  });
}
