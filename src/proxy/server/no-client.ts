// The client of a subrequest: none. What would be sent goes nowhere, since the response goes to the parent request.
import type { Bytes } from "../../std/units.ts";
import { ClientConnection } from "../client-connection.ts";

/** Stands where an exchange has its client. */
export class NoClient extends ClientConnection {
  onFailed: () => void = () => {};

  constructor(of: ClientConnection) {
    super(of.gateway, of.listener, of.remoteAddress, of.remotePort, of.trusted);
    this.state = "exchange";
  }

  override get finished(): boolean {
    return false;
  }
  override pauseReading(): void {}
  override resumeReading(): void {}
  override get pendingBytes(): Bytes {
    return 0;
  }
  override beginBulk(): void {}
  override endBulk(): void {}
  override sendText(): boolean {
    return true;
  }
  override sendBytes(): boolean {
    return true;
  }
  override endSending(): void {}
  override destroy(): void {}
  override destroySoon(): void {}
  override abort(): void {
    this.onFailed();
  }
  override abortSoon(): void {
    this.onFailed();
  }
  override setDeadline(): void {}
  override clearDeadline(): void {}
  override exchangeEnded(): void {}
  override get localAddress(): string {
    return "";
  }
}
