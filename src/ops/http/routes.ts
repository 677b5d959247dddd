/** Where each command of core/admin/table.ts is on the operator's listener. The shell asks there too. Pure. */
import { adminCommand, type AdminName } from '../../core/admin/table';

/** Where a command is on the listener. */
export function pathOf(name: AdminName): string {
  return `/api/${name.replace(/ /g, '/')}`;
}

/** How it is asked for: what changes something is never a GET. */
export function methodOf(name: AdminName): 'GET' | 'POST' {
  return adminCommand(name).effect === 'change' ? 'POST' : 'GET';
}
