/** The name of an image, without its registry, tag and digest. */
/** `registry:5000/library/redis:7@sha256:…` is `redis`. */
export const imageName = (image: string): string =>
  image.split("@")[0]?.split("/").at(-1)?.split(":")[0] ?? ""
