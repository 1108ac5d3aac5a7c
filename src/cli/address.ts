import { usageError } from "./exit.ts";

/** `host:port`, `[::1]:port` or a port alone, of the loopback then. @throws BadInput */
export const addressOf = (text: string): { host: string; port: number } => {
  const [, host, port] = /^(?:\[?([^\]]*?)\]?:)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw usageError(`${text} is no address to listen on`, "write host:port, such as 127.0.0.1:8080");
  return { host: host === undefined || host === "" ? "127.0.0.1" : host, port: Number(port) };
};
