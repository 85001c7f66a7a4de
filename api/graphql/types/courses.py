"""The course of a stay or of a person as a document."""

from typing import Self
from uuid import UUID

import strawberry

from api.course.document import MEDIA_TYPES, CourseFormat, render
from api.graphql.declarations import DataKind, shows
from infrastructure.queries.course_parts import Course

strawberry.enum(CourseFormat, description="The format of a course as a document.")


@shows(DataKind.CLINICAL)
@strawberry.type(description="The course of a stay, or of all stays of a person, as a document.")
class CourseDocument:
    media_type: str = strawberry.field(description="Its media type.")
    file_name: str = strawberry.field(description="A name for a file, in which nobody is named.")
    text: str = strawberry.field(description="The whole document.")

    @classmethod
    def of(cls, course: Course, id: UUID, format: CourseFormat) -> Self:
        day = course.imprint.as_of.date().isoformat()
        return cls(
            media_type=MEDIA_TYPES[format],
            file_name=f"course-{id}-{day}.{format.value.lower()}",
            text=render(course, format),
        )
