import { keys, StampedeError, type DatasetSpec, type ObjectStore } from "@stampede/core";
import { parseUploadUri } from "@stampede/data";

/** Names of files in a data set, wherever they stand. */
function filesOf(dataset: DatasetSpec): readonly string[] {
  const fields = [dataset.features ?? [], dataset.labels ?? []].flat();
  return ["file" in dataset ? dataset.file : [], ...fields.map(({ file = [] }) => file)].flat();
}

/**
 * Makes sure that data lies where the endpoint may read: in an upload, or in a bucket that it was configured with. Whoever asks must not
 * have it read other people's buckets, its own disk, or addresses of its network.
 *
 * @throws StampedeError `data.not-allowed`, `data.not-readable`, `upload.not-found`, `store.*`
 */
export async function checkPlaces(
  datasets: readonly DatasetSpec[],
  buckets: readonly string[],
  store: ObjectStore,
): Promise<void> {
  for (const name of new Set(datasets.flatMap(filesOf))) await checkPlace(name, buckets, store);
}

async function checkPlace(name: string, buckets: readonly string[], store: ObjectStore): Promise<void> {
  if (/^upload:/i.test(name)) return checkUpload(name, store);
  const bucket = /^s3:\/\/([^/]*)\//i.exec(name)?.[1];
  if (bucket !== undefined && buckets.includes(bucket)) return;
  const places = ["an upload (upload://ID/NAME)", ...buckets.map((each) => `s3://${each}/`)].join(" or ");
  const message = `Expected data in ${places}, found ${JSON.stringify(name.slice(0, 200))}. Nothing was started.`;
  throw new StampedeError("data.not-allowed", message);
}

/** @throws StampedeError `data.not-readable`, `upload.not-found`, `store.*` */
export async function checkUpload(uri: string, store: ObjectStore): Promise<void> {
  const { upload, name } = parseUploadUri(uri);
  if ((await store.head(keys.upload(upload, name))) !== undefined) return;
  throw noUpload(uri);
}

export function noUpload(uri: string): StampedeError {
  return new StampedeError("upload.not-found", `Expected the upload ${uri}, found none. Nothing was started.`);
}
