/** The outline of a conversation while it is read from the server. */
export function TranscriptSkeleton() {
  return (
    <div className="transcript-skeleton" role="status" aria-label="Loading the conversation">
      <span className="skeleton skeleton-user" />
      <span className="skeleton skeleton-picture" />
      <span className="skeleton skeleton-line" />
      <span className="skeleton skeleton-line skeleton-short" />
    </div>
  );
}
