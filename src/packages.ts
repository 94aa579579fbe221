/**
 * What an error says where an optional package could not be loaded: what to do about it. The error
 * itself belongs in `cause`.
 */
export function packageProblem(user: string, name: string, error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isAway = /^(ERR_)?MODULE_NOT_FOUND$/.test(String(code)) && String(message).includes(name);
  if (isAway) return `${user} needs the package ${name}: npm install ${name}`;
  const reason = String(message).split('\n', 1)[0];
  return `${user} needs the package ${name}, which could not be loaded (${reason}): in a bundle, mark ${name} as external and install it beside that`;
}
