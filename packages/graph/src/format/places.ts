import { lettersOf } from "./letters.js";

/**
 * Where nodes come from, "layer/operation", as a list that nodes name by number: a thousand of them come from some hundred places. What
 * is of the same layer as the place before is written "/operation".
 */
export class Places {
  readonly #nodes = new Map<string, { readonly place: number; count: number }>();

  /** The name of another node from there: onnxruntime wants each to be new, so 7, 7a, 7b, ... */
  nameOf(origin: string): string {
    const known = this.#nodes.get(origin);
    if (known !== undefined) return `${known.place}${lettersOf(known.count++)}`;
    const place = this.#nodes.size;
    this.#nodes.set(origin, { place, count: 0 });
    return String(place);
  }

  list(): readonly string[] {
    let before = "";
    return [...this.#nodes.keys()].map((origin) => {
      const layer = layerOf(origin);
      const written = layer === before ? origin.slice(layer.length) : origin;
      before = layer;
      return written;
    });
  }
}

/**
 * The place that a node's name stands for, "" for a name that stands for none.
 * @param name onnxruntime's optimiser may have added to it
 */
export function placeOf(places: readonly string[], name: string): string {
  const [number] = /^\d+/.exec(name) ?? [];
  const index = number === undefined ? -1 : Number(number);
  const place = places[index] ?? "";
  if (!place.startsWith("/")) return place;
  const whole = places.slice(0, index).findLast((each) => !each.startsWith("/")) ?? "";
  return layerOf(whole) + place;
}

/** Up to the operation's slash. */
function layerOf(origin: string): string {
  return origin.slice(0, Math.max(0, origin.lastIndexOf("/")));
}
