/** What every part logs through (winston behind it): one line an event, details as key=value. Never a password. */
export interface Logger {
  error(message: string, details?: object): void;
  warn(message: string, details?: object): void;
  info(message: string, details?: object): void;
  debug(message: string, details?: object): void;
  /** The same logger with details added to every line. */
  with(details: object): Logger;
}
