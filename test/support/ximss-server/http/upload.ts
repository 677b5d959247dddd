/** A multipart/form-data body with one field `fileData` (docs/XIMSS.md 7.3). Nothing else of MIME is understood. */

/** The field's bytes, or null when it is not there. */
export function readUpload(contentType: string, body: Buffer): Buffer | null {
  const boundary = /boundary="?([^";\s]{1,70})"?/.exec(contentType)?.[1];
  if (!/^multipart\/form-data\b/i.test(contentType) || boundary === undefined) return null;
  const mark = Buffer.from(`--${boundary}`);
  let at = body.indexOf(mark);
  while (at >= 0) {
    const head = body.indexOf('\r\n\r\n', at);
    const next = body.indexOf(mark, at + mark.length);
    if (head < 0 || next < 0 || head > next) return null;
    const headers = body.subarray(at + mark.length, head).toString('latin1');
    if (/name="fileData"/i.test(headers)) return Buffer.from(body.subarray(head + 4, next - 2));
    at = next;
  }
  return null;
}
