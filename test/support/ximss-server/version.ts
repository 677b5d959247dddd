/** `6.1`, `6.2.3` … as a number to compare: major.minor. */
export function parseVersion(version: string | null): number {
  const match = /^(\d{1,3})(?:\.(\d{1,3}))?/.exec(version ?? '');
  return match === null ? 0 : Number(match[1]) + Number(match[2] ?? 0) / 10;
}
