/** What the client program is asked to do, and what it answers: one line of JSON each. */

export interface Server {
  readonly host: string;
  readonly port: number;
  readonly login: string;
}

/** A server of FTP, or the folder where a file system is mounted. */
export type Target = { readonly ftp: Server } | { readonly folder: string };

export type Job =
  | {
      readonly do: 'store big' | 'retrieve big';
      readonly target: Target;
      readonly path: string;
      readonly bytes: number;
    }
  | {
      readonly do: 'store small' | 'retrieve small';
      readonly target: Target;
      /** Where the files go; it must be there. With a slash at the end. */
      readonly folder: string;
      readonly count: number;
      readonly bytes: number;
      readonly sessions: number;
    }
  | { readonly do: 'make folder'; readonly target: Target; readonly folder: string }
  | { readonly do: 'list'; readonly target: Target; readonly command: string; readonly atLeast: number }
  | { readonly do: 'log in' | 'noop'; readonly target: Target; readonly count: number };

/** On the clock that all processes of a machine share (CLOCK_MONOTONIC), in nanoseconds. */
export interface Done {
  readonly begin: string;
  readonly end: string;
}
