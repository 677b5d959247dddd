/** `6.1`, `6.2.3` … as one number to compare: major * 1000 + minor; 0 for none. */
export function parseVersion(version: string | null): number {
  const match = /^(\d{1,3})(?:\.(\d{1,3}))?/.exec(version ?? '');
  return match === null ? 0 : Number(match[1]) * 1000 + Number(match[2] ?? 0);
}
