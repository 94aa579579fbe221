import type { ErrorAnswer, UploadAnswer } from '../wire.js';

/**
 * Posts an upload. By XMLHttpRequest, because fetch tells nothing of what was sent so far. `onProgress` gets 0 to 1. Rejects with
 * an error whose message is the server's reason.
 */
export function send(
  url: string,
  body: FormData | { texts: string[] },
  onProgress: (share: number) => void,
): Promise<UploadAnswer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => {
      if (request.status === 200) resolve(request.response as UploadAnswer);
      else reject(new Error(reasonOf(request)));
    };
    request.onerror = () => reject(new Error('the server cannot be reached, or broke off the upload'));
    if (body instanceof FormData) {
      request.send(body);
    } else {
      request.setRequestHeader('content-type', 'application/json');
      request.send(JSON.stringify(body));
    }
  });
}

function reasonOf({ status, response }: XMLHttpRequest): string {
  return (response as ErrorAnswer | null)?.error?.message ?? `the server answered with status ${status}`;
}
