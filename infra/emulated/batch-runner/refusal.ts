/** What AWS Batch answers when a request is at fault: the SDK throws it as an error named `ClientException`. */
export class Refusal extends Error {
  override readonly name = "ClientException";
}
