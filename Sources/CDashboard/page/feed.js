// The ledger as it grows: Server-Sent Events, read by hand, since a browser's EventSource tells neither of the
// heartbeats nor of how long it waits before it tries again.

const silence = 40_000; // ms; the supervisor says something every 15 s
const delays = [300, 1000, 2000, 4000, 8000, 15_000]; // ms before the nth attempt

export class Feed {
  /**
   * - hear.event(event): in order, each once.
   * - hear.open(): connected, at first and again. hear.beat(): it is alive. hear.lost(retryAt): it is not.
   */
  constructor(hear) {
    this.hear = hear;
    this.last = null;
    this.failures = 0;
    this.wake = () => {};
  }

  async run() {
    for (;;) {
      try {
        await this.read();
      } catch {
        // Whatever broke it, what follows is the same.
      }
      const delay = delays[Math.min(this.failures, delays.length - 1)] * (0.8 + 0.4 * Math.random());
      this.failures += 1;
      this.hear.lost(new Date(Date.now() + delay));
      await new Promise((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, delay);
      });
    }
  }

  /** Tries at once. */
  retry() {
    this.wake();
  }

  async read() {
    const controller = new AbortController();
    let alarm = setTimeout(() => controller.abort(), silence);
    const headers = { Accept: "text/event-stream" };
    if (this.last !== null) headers["Last-Event-ID"] = String(this.last);
    try {
      const response = await fetch("/v1/events?limit=500", {
        headers, cache: "no-store", credentials: "omit", signal: controller.signal,
      });
      if (!response.ok || !response.body) throw new Error(`${response.status}`);
      this.failures = 0;
      this.hear.open();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new Parser((data) => this.take(data));
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(alarm);
        alarm = setTimeout(() => controller.abort(), silence);
        this.hear.beat();
        parser.add(value);
      }
    } finally {
      clearTimeout(alarm);
      controller.abort();
    }
  }

  take(data) {
    const event = JSON.parse(data);
    if (!Number.isInteger(event.id)) return;
    // Numbers that start anew are of a new ledger.
    this.last = event.id;
    this.hear.event(event);
  }
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html, as far as this server writes it. */
export class Parser {
  constructor(take) {
    this.take = take;
    this.rest = "";
    this.data = [];
  }

  add(text) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  line(line) {
    if (line === "") {
      if (this.data.length) this.take(this.data.join("\n"));
      this.data = [];
    } else if (line.startsWith("data:")) {
      this.data.push(line.slice(line.startsWith("data: ") ? 6 : 5));
    }
  }
}
